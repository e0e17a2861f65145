import type { Dialect } from "../../store.ts";
import type { SqlDialect } from "../dialect.ts";
import { mysqlDialect } from "./mysql.ts";
import { postgresDialect } from "./postgres.ts";
import { sqliteDialect } from "./sqlite.ts";

export const dialects: Readonly<Record<Dialect, SqlDialect>> = {
  mysql: mysqlDialect,
  postgres: postgresDialect,
  sqlite: sqliteDialect,
};
