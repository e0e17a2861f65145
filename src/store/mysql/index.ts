// `trunkline/store/mysql`
export { mysql } from "./mysql.ts";
