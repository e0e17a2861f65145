export { memory, MemoryRegistry } from "./memory.ts";
