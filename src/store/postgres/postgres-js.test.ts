import { deepEqual } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import client, { type TransactionSql } from "postgres";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { realEnv } from "../../base/real-env.ts";
import { storeCases } from "../suite.ts";
import { postgres } from "./index.ts";

suite("with a real PostgreSQL, by postgres.js", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  const { dialect, capabilities } = postgres(client("postgres://nobody/nothing"));
  const cases = storeCases({
    dialect,
    capabilities,
    env: () => realEnv(),
    stand: async () => {
      const address = await databases.fresh();
      const clients: ReturnType<typeof client>[] = [];
      const made = (): ReturnType<typeof client> => {
        const sql = client(address, { onnotice: () => {} });
        clients.push(sql);
        return sql;
      };
      return {
        open: () => postgres(made()),
        execute: async (native, sql) => (native as TransactionSql).unsafe(sql),
        own: (work) => made().begin(work),
        close: async () => void (await Promise.all(clients.map((sql) => sql.end()))),
      };
    },
  });
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);

  void test("columns that the user has renamed are ours all the same", async () => {
    const sql = client(await databases.fresh(), {
      transform: client.camel,
      onnotice: () => {},
    });
    const store = postgres(sql);
    try {
      await store.migrate();
      await store.transaction(async (tx) => {
        await store.outbox.insert(tx, [
          {
            id: "id",
            lane: 260,
            key: "key",
            channel: "{}",
            head: "{}",
            data: Buffer.from("data"),
            notBefore: 5,
          },
        ]);
        const [row] = await tx.native<{ msgKey: string }[]>`SELECT msg_key FROM trunkline_outbox`;
        deepEqual(row?.msgKey, "key");
      });
      const [row] = await store.outbox.read([4], [], 10);
      deepEqual([row?.key, row?.notBefore], ["key", 5]);
    } finally {
      await store.close();
      await sql.end();
    }
  });
});
