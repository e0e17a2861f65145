// `trunkline/store/postgres`
export { postgres, type PostgresOptions } from "./postgres.ts";
