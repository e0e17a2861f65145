import { createPool, type Connection } from "mysql2/promise";
import { realEnv } from "../../../base/real-env.ts";
import type { StoreSubject } from "../../suite.ts";
import { mysql } from "../index.ts";

/** What the suite tries by mysql2: each database at an address that `fresh` gives, as whom that says. */
export function mysqlSubject(fresh: () => Promise<string>): StoreSubject {
  const { dialect, capabilities } = mysql("mysql://nobody/nothing");
  return {
    dialect,
    capabilities,
    env: () => realEnv(),
    stand: async () => {
      const address = await fresh();
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
  };
}
