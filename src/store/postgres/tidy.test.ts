import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Client, Pool, type PoolClient } from "pg";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import type { Lease, NewOutboxRow, OutboxRow } from "../outbox-rows.ts";
import type { Store } from "../store.ts";
import { postgres } from "./index.ts";

/** Enough for a slot to have had its turn. */
const manyRows = 1_200;
const data = Buffer.alloc(1_000, "d");
const slots = [0, 1, 2];

suite("OB-8, in PostgreSQL", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  async function opened() {
    const address = await databases.fresh();
    const pool = new Pool({ connectionString: address });
    // Its server ends while connections are on their way out.
    pool.on("error", () => {});
    const store = postgres(pool);
    await store.migrate();
    const { leases } = await store.outbox.keep("relay-1", 60_000, []);
    const value = async (sql: string): Promise<unknown> => {
      const { rows } = await pool.query<{ value: unknown }>(`SELECT ${sql} AS value`);
      return rows[0]!.value;
    };
    return {
      address,
      store,
      leases,
      value,
      turn: () => value("coalesce(pg_sequence_last_value('trunkline_outbox_slot'), 0)::int"),
      bytes: async (slot: number) =>
        Number(await value(`pg_relation_size('trunkline_outbox_${slot}')`)),
      [Symbol.asyncDispose]: async () => {
        await store.close();
        await pool.end();
      },
    };
  }

  let made = 0;
  const rowsOf = (count: number): NewOutboxRow[] =>
    Array.from({ length: count }, () => ({
      id: `message-${++made}`,
      lane: made % 256,
      key: "key",
      channel: '{"name":"suite"}',
      head: "{}",
      data,
      notBefore: undefined,
    }));
  const write = (store: Store<PoolClient>, count: number): Promise<void> =>
    store.transaction((tx) => store.outbox.insert(tx, rowsOf(count)));

  async function readAll(store: Store<PoolClient>, leases: readonly Lease[]): Promise<OutboxRow[]> {
    const shares = leases.map(({ share }) => share);
    return store.outbox.read(shares, [], 10_000);
  }
  async function publishAll(store: Store<PoolClient>, leases: readonly Lease[]): Promise<void> {
    for (
      let rows = await readAll(store, leases);
      rows.length > 0;
      rows = await readAll(store, leases)
    )
      await store.outbox.remove(leases, rows);
  }
  async function ids(store: Store<PoolClient>, leases: readonly Lease[]): Promise<string[]> {
    return (await readAll(store, leases)).map(({ id }) => id);
  }

  void test("what is published leaves no room behind, though a transaction is open that might still see it", async () => {
    await using one = await opened();
    const { store, leases } = one;
    const old = new Client({ connectionString: one.address });
    await old.connect();
    await old.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await old.query("SELECT count(*) FROM trunkline_inbox");
    const turns = new Set<unknown>();
    for (let times = 0; times < 6; times++) {
      await write(store, manyRows);
      await publishAll(store, leases);
      await store.outbox.tidy!();
      turns.add(await one.turn());
    }
    ok(turns.size > 1, "the turn stays where it is");
    await store.outbox.tidy!();
    const bytes = await Promise.all(slots.map((slot) => one.bytes(slot)));
    equal(
      bytes.filter((each) => each > 0).length <= 1,
      true,
      `bytes of the slots: ${bytes.join()}`,
    );
    await old.query("COMMIT");
    await old.end();
  });

  void test("a slot with a message that is not published stays, and the message with it", async () => {
    await using one = await opened();
    const { store, leases } = one;
    await write(store, manyRows);
    const [first, ...others] = await readAll(store, leases);
    await store.outbox.remove(leases, others);
    await publishAllBut(store, leases, first!.id);
    for (let times = 0; times < 3; times++) await store.outbox.tidy!();
    ok((await one.bytes(0)) > 0);
    deepEqual(await ids(store, leases), [first!.id]);
    // The turn goes round the others meanwhile.
    const turns = new Set<unknown>();
    for (let times = 0; times < 4; times++) {
      await write(store, manyRows);
      await publishAllBut(store, leases, first!.id);
      await store.outbox.tidy!();
      turns.add(await one.turn());
    }
    deepEqual(turns, new Set([1, 2]));
    deepEqual(await ids(store, leases), [first!.id]);
  });

  async function publishAllBut(
    store: Store<PoolClient>,
    leases: readonly Lease[],
    id: string,
  ): Promise<void> {
    for (;;) {
      const rows = (await readAll(store, leases)).filter((row) => row.id !== id);
      if (rows.length === 0) return;
      await store.outbox.remove(leases, rows);
    }
  }

  void test("a message of a writer who is late is not lost: neither while it is open nor when it commits beside the truncation", async () => {
    await using one = await opened();
    const { store, leases } = one;
    await write(store, manyRows);
    await publishAll(store, leases);
    const late = new Client({ connectionString: one.address });
    await late.connect();
    await late.query("BEGIN");
    await late.query(
      "INSERT INTO trunkline_outbox (id, lane, channel, head, data, not_before, written_at) VALUES ('late', 256, '{}', '{}', '', 0, 0)",
    );
    await store.outbox.tidy!();
    equal(await one.turn(), 1);
    // It is waited for, and not for long.
    await store.outbox.tidy!();
    ok((await one.bytes(0)) > 0);
    const beside = store.outbox.tidy!();
    for (let waits = 0; waits < 50; waits++)
      if (Number(await one.value("(SELECT count(*) FROM pg_locks WHERE NOT granted)")) > 0) break;
    await late.query("COMMIT");
    await beside;
    await store.outbox.tidy!();
    deepEqual(await ids(store, leases), ["late"]);
    await late.end();
  });

  void test("who has drawn a slot before the turn went on, and writes there after it was truncated, is read", async () => {
    await using one = await opened();
    const { store, leases } = one;
    await write(store, manyRows);
    await publishAll(store, leases);
    await store.outbox.tidy!();
    await store.outbox.tidy!();
    deepEqual([await one.turn(), await one.bytes(0)], [1, 0]);
    const client = new Client({ connectionString: one.address });
    await client.connect();
    await client.query(
      "INSERT INTO trunkline_outbox (slot, id, lane, channel, head, data, not_before, written_at) VALUES (0, 'late', 256, '{}', '{}', '', 0, 0)",
    );
    await store.outbox.tidy!();
    deepEqual(await ids(store, leases), ["late"]);
    await client.end();
  });

  void test("with one snapshot for all its statements nothing is truncated", async () => {
    await using one = await opened();
    const { leases, store } = one;
    await write(store, manyRows);
    await publishAll(store, leases);
    await store.outbox.tidy!();
    const { outbox } = store;
    ok(outbox.tidy !== undefined);
    const database = one.address.split("/").at(-1)!;
    const text = (await import("../sql/dialects/postgres-tidy.ts")).tidyText(1);
    await databases.run(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${text}; COMMIT;`, database);
    ok((await one.bytes(0)) > 0);
  });

  void test("who may not truncate relays all the same", async () => {
    await using one = await opened();
    const { store, leases } = one;
    await write(store, manyRows);
    await publishAll(store, leases);
    await store.outbox.tidy!();
    const database = one.address.split("/").at(-1)!;
    const role = `clerk_${database}`;
    await databases.run(
      `CREATE ROLE ${role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`,
      database,
    );
    await using clerk = postgres(one.address.replace("postgres@", `${role}@`));
    await clerk.outbox.tidy!();
    ok((await one.bytes(0)) > 0);
    await write(clerk, 1);
    equal((await readAll(clerk, leases)).length, 1);
  });

  void test("autovacuum looks after each slot by the count of its dead rows", async () => {
    await using one = await opened();
    for (const slot of slots) {
      const options = await one.value(
        `(SELECT reloptions FROM pg_class WHERE relname = 'trunkline_outbox_${slot}')`,
      );
      ok((options as string[]).includes("autovacuum_vacuum_scale_factor=0"));
      ok((options as string[]).includes("autovacuum_vacuum_threshold=5000"));
    }
  });
});
