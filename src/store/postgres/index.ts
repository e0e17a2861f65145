// `trunkline/store/postgres`
export { postgres } from "./postgres.ts";
