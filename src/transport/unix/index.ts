export { unix } from "./unix.ts";
