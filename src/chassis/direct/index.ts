export { direct } from "../direct-at.ts";
export type { DirectOptions } from "../direct-at.ts";
