export type { UnixOptions } from "./options.ts";
export { unix } from "./unix.ts";
