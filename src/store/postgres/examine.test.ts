import { deepEqual, match } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Client, Pool } from "pg";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { examinePostgres } from "../sql/examine/postgres.ts";
import type { Query } from "../sql/examine/examine.ts";
import { postgres } from "./index.ts";

/** Rows that die at once: more than autovacuum may be behind by. */
const diedRows = 25_000;

suite("OB-8, what the doctor sees in PostgreSQL", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  async function opened() {
    const address = await databases.fresh();
    await using store = postgres(address);
    await store.migrate();
    const pool = new Pool({ connectionString: address });
    // Its server ends while connections are on their way out.
    pool.on("error", () => {});
    const query: Query = async (sql, values) => (await pool.query(sql, [...values])).rows;
    return { address, query, [Symbol.asyncDispose]: () => pool.end() };
  }

  /** As it would be answered that much later: how long something has lasted is said in `seconds`. */
  const later =
    (query: Query, bySeconds: number): Query =>
    async (sql, values) =>
      (await query(sql, values)).map((row) =>
        typeof row["seconds"] === "number" ? { ...row, seconds: row["seconds"] + bySeconds } : row,
      );

  test("OB-8: a transaction that stays open is named, with what to do, when it has been open for a minute", async () => {
    await using own = await opened();
    const client = new Client({ connectionString: own.address, application_name: "a report" });
    client.on("error", () => {});
    await client.connect();
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
      await client.query("SELECT count(*) FROM trunkline_outbox");
      const found = async (query: Query) =>
        (await examinePostgres(query)).find(({ about }) => about === "old-snapshot")!;
      deepEqual((await found(own.query)).state, "fine");
      const { state, seen, advice } = await found(later(own.query, 61));
      deepEqual(state, "warning");
      match(seen, /a report, idle in transaction.* open for 6\d s/);
      match(advice!, /pg_terminate_backend/);
    } finally {
      await client.end();
    }
  });

  test("OB-8: dead rows that are not taken away are told of", async () => {
    await using own = await opened();
    // Nothing is taken away while this looks.
    for (const slot of [0, 1, 2])
      await own.query(
        `ALTER TABLE trunkline_outbox_${slot} SET (autovacuum_vacuum_threshold = 1000000)`,
        [],
      );
    await own.query(
      `INSERT INTO trunkline_outbox (id, lane, channel, head, data, not_before, written_at)
        SELECT 'm' || n, 260, '{}', '{}', '', 0, 0 FROM generate_series(1, ${diedRows}) AS n`,
      [],
    );
    await own.query("DELETE FROM trunkline_outbox", []);
    // The server counts them a moment later.
    for (;;) {
      const found = (await examinePostgres(own.query)).find(({ about }) => about === "dead-rows");
      if (found?.state === "fine") continue;
      match(found!.seen, /about 0 rows and 2500\d dead ones/);
      match(found!.advice!, /VACUUM trunkline_outbox/);
      return;
    }
  });
});
