export { memory, MemoryNames } from "./memory.ts";
