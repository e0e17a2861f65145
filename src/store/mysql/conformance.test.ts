import { after, before, suite, test } from "node:test";
import { createPool, type Connection } from "mysql2/promise";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missingMysql, mysqlUnderTest } from "../../../scripts/servers/mysql-for-tests.ts";
import { realEnv } from "../../base/real-env.ts";
import { storeCases } from "../suite.ts";
import { mysql } from "./index.ts";

suite("with a real MariaDB, by mysql2", { skip: missingMysql() ?? false }, () => {
  let databases: OwnDatabases;
  before(async () => {
    databases = await mysqlUnderTest({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  const { dialect, capabilities } = mysql("mysql://nobody/nothing");
  const cases = storeCases({
    dialect,
    capabilities,
    env: () => realEnv(),
    stand: async () => {
      const address = await databases.fresh();
      const pool = createPool(address);
      return {
        open: () => mysql(address),
        execute: async (native, sql) => {
          const [rows] = await (native as Connection).query(sql);
          return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
        },
        async own(work) {
          const connection = await pool.getConnection();
          try {
            await connection.beginTransaction();
            await work(connection);
            await connection.commit();
          } catch (error) {
            await connection.rollback();
            throw error;
          } finally {
            connection.release();
          }
        },
        close: () => pool.end(),
      };
    },
  });
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
});
