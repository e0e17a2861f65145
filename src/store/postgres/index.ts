// `trunkline/store/postgres`
export { postgres, type PostgresOptions } from "./postgres.ts";
export type { TailingNames } from "./log/slots.ts";
