// `trunkline/store/knex`
export { knex } from "./knex.ts";
