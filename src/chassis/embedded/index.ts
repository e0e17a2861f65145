export { file } from "./file-at.ts";
export type { FileOptions } from "./file-at.ts";
