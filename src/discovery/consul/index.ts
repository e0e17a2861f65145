export { consul, type ConsulOptions } from "./consul.ts";
