export { signal } from "./signal.ts";
