export type { StdioOptions } from "./options.ts";
export { stdio } from "./stdio.ts";
