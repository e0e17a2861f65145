export { mmap } from "./mmap.ts";
