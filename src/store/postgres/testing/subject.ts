import { Pool, type PoolClient } from "pg";
import { realEnv } from "../../../base/real-env.ts";
import type { StoreSubject } from "../../suite.ts";
import { postgres } from "../index.ts";

/** What the suite tries by pg: each database at an address that `fresh` gives, as whom that says. */
export function postgresSubject(fresh: () => Promise<string>): StoreSubject {
  const { dialect, capabilities } = postgres("postgres://nobody/nothing");
  return {
    dialect,
    capabilities,
    env: () => realEnv(),
    stand: async () => {
      const address = await fresh();
      const pool = new Pool({ connectionString: address });
      pool.on("error", () => {});
      return {
        open: () => postgres(address),
        execute: async (native, sql) =>
          (await (native as PoolClient).query<Record<string, unknown>>(sql)).rows,
        async own(work) {
          const client = await pool.connect();
          try {
            await client.query("BEGIN");
            await work(client);
            await client.query("COMMIT");
          } catch (error) {
            await client.query("ROLLBACK");
            throw error;
          } finally {
            client.release();
          }
        },
        close: () => pool.end(),
      };
    },
  };
}
