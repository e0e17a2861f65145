import { deepEqual, equal, rejects } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Client, type PoolClient } from "pg";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { commitWith } from "./committing.ts";

/** A table where what is wrong is found at once, and one where it is found at the commit. */
const tables = [
  "CREATE TABLE kept (id int PRIMARY KEY, bytes bytea)",
  "CREATE TABLE late (id int REFERENCES kept DEFERRABLE INITIALLY DEFERRED)",
];
const insert = "INSERT INTO kept VALUES ($1, $2)";

suite("a statement with its commit, by pg", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  /** A client in a transaction, and one that sees what is committed. */
  async function begun(pipeline: boolean) {
    const connectionString = await databases.fresh();
    const made = new Client({ connectionString, pipeline });
    const other = new Client({ connectionString });
    await Promise.all([made.connect(), other.connect()]);
    for (const table of tables) await other.query(table);
    await made.query("BEGIN");
    const client = made as unknown as PoolClient & { getTransactionStatus(): string };
    return {
      client,
      ids: async () => (await other.query<{ id: number }>("SELECT id FROM kept")).rows,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([made.end(), other.end()]);
      },
    };
  }

  for (const pipeline of [false, true])
    for (const name of ["", "trunkline_test"]) {
      const how = `${name === "" ? "unprepared" : "prepared"}${pipeline ? ", pipelined" : ""}`;

      void test(`${how}: it is committed when it resolves, and the client goes on`, async () => {
        await using one = await begun(pipeline);
        const { client } = one;
        const bytes = new Uint8Array([0, 1, 255]);
        deepEqual(await commitWith(client, insert, [1, bytes], name), { rows: [], changes: 1 });
        equal(client.getTransactionStatus(), "I");
        await client.query("BEGIN");
        await commitWith(client, insert, [2, null], name);
        deepEqual(await one.ids(), [{ id: 1 }, { id: 2 }]);
      });

      void test(`${how}: what the server refuses is not committed`, async () => {
        await using one = await begun(pipeline);
        const { client } = one;
        await client.query(insert, [1, null]);
        await rejects(commitWith(client, insert, [1, null], name), { code: "23505" });
        await client.query("ROLLBACK");
        deepEqual(await one.ids(), []);
      });

      void test(`${how}: what is found wrong at the commit is told, and nothing is committed`, async () => {
        await using one = await begun(pipeline);
        const { client } = one;
        await client.query("INSERT INTO late VALUES (7)");
        await rejects(commitWith(client, insert, [1, null], name), { code: "23503" });
        await client.query("ROLLBACK");
        deepEqual(await one.ids(), []);
      });

      void test(`${how}: a transaction that had failed before is not committed`, async () => {
        await using one = await begun(pipeline);
        const { client } = one;
        await client.query("SELECT 1 / 0").catch(() => {});
        await rejects(commitWith(client, insert, [1, null], name), { code: "25P02" });
        await client.query("ROLLBACK");
        deepEqual(await one.ids(), []);
      });
    }

  void test("it rejects when the connection is lost meanwhile", async () => {
    await using one = await begun(false);
    const { client } = one;
    client.on("error", () => {});
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const text = "INSERT INTO kept SELECT $1, $2 FROM pg_sleep(3600)";
    const rejected = rejects(commitWith(client, text, [1, null], ""));
    await databases.run(`SELECT pg_terminate_backend(${rows[0]!.pid})`);
    await rejected;
    deepEqual(await one.ids(), []);
  });
});
