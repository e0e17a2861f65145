export { file } from "../../bridge/embedded/file.ts";
export type { FileOptions } from "../../bridge/embedded/file.ts";
