export { multicast, type MulticastOptions } from "./multicast.ts";
