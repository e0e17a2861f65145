// `trunkline/store/sqlite`
export { sqlite } from "./sqlite.ts";
