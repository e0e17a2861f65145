export { directory } from "./directory.ts";
export { defaultFolder } from "./folder.ts";
