import { after, before, suite, test } from "node:test";
import { Pool, type PoolClient } from "pg";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { realEnv } from "../../base/real-env.ts";
import { storeCases } from "../suite.ts";
import { postgres } from "./index.ts";

suite("with a real PostgreSQL, by pg", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  const { dialect, capabilities } = postgres("postgres://nobody/nothing");
  const cases = storeCases({
    dialect,
    capabilities,
    env: () => realEnv(),
    stand: async () => {
      const address = await databases.fresh();
      const pool = new Pool({ connectionString: address });
      pool.on("error", () => {});
      return {
        open: () => postgres(address),
        execute: async (native, sql) => {
          const { rows } = await (native as PoolClient).query<Record<string, unknown>>(sql);
          return rows;
        },
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
  });
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
});
