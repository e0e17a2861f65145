export { fixed } from "./fixed.ts";
