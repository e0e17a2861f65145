// An outbox whose rows come to another database while it is written to: by logical replication, and by a dump.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before as setUp, suite, test, type TestContext } from "node:test";
import { command, printed } from "../../../scripts/servers/command.ts";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missing } from "../../../scripts/servers/for-tests.ts";
import {
  ownPostgres,
  postgresPrograms,
  postgres as server,
} from "../../../scripts/servers/postgres.ts";
import { realEnv } from "../../base/real-env.ts";
import { postgres } from "../../store/postgres/index.ts";
import type { Store } from "../../store/store.ts";
import { Outbox } from "./outbox.ts";
import { relayTerms } from "./relay-terms.ts";
import { Relay } from "./relay.ts";
import { Orders, Taker, until } from "./testing/taker.ts";

type Native = Parameters<ReturnType<typeof postgres>["adopt"]>[0];

/** One database with a table of the user's own, which says what was committed. */
interface Shop {
  readonly address: string;
  readonly store: Store<Native>;
  sql(text: string): Promise<string>;
  relay(taker: Taker): Relay;
  /** Writes the numbers until it is stopped; resolves then with the number that is next. */
  write(from: number): { stop(): Promise<number>; written(): number };
  close(): Promise<void>;
}

function shopAt(address: string, own: OwnDatabases): Shop {
  const store = postgres(address, { tailing: true });
  const box = new Outbox(store, { name: "shop" });
  const relays: Relay[] = [];
  return {
    address,
    store,
    sql: async (text) => (await own.run(text, new URL(address).pathname.slice(1))).trim(),
    relay(taker) {
      const terms = relayTerms({ lease: "1s", poll: "100ms", batch: 50 });
      const relay = new Relay({ store, broker: taker.broker, terms, name: "shop", env: realEnv() });
      relays.push(relay);
      relay.start();
      return relay;
    },
    write(from) {
      let next = from;
      let stopping = false;
      const running = (async () => {
        while (!stopping) {
          const number = next;
          await box.transaction(async ({ tx, publish }) => {
            await tx.query("INSERT INTO sold (number) VALUES ($1)", [number]);
            await publish(Orders.placed, { id: `o-${number % 7}`, number });
          });
          next++;
        }
      })();
      return {
        written: () => next,
        async stop() {
          stopping = true;
          await running;
          return next;
        },
      };
    },
    async close() {
      await Promise.all(relays.map((relay) => relay.stop(1_000)));
      await store.close();
    },
  };
}

async function soldIn(shop: Shop): Promise<number[]> {
  const text = await shop.sql("SELECT number FROM sold ORDER BY number");
  return text === "" ? [] : text.split("\n").map(Number);
}

async function assertAllTaken(shop: Shop, ...takers: readonly Taker[]): Promise<void> {
  const sold = await soldIn(shop);
  await until("nothing is pending", async () => (await shop.store.outbox.status(0)).pending === 0);
  const taken = new Set(takers.flatMap(({ numbers }) => numbers));
  assert.deepEqual(
    sold.filter((number) => !taken.has(number)),
    [],
    "what was committed and published by nobody",
  );
  for (const taker of takers) taker.assertOrder();
}

/** What is of one server alone stays there. */
const moving = [
  "sold",
  "trunkline_outbox",
  "trunkline_outbox_dead",
  "trunkline_inbox",
  "trunkline_inbox_attempt",
  "trunkline_inbox_order",
  "trunkline_key",
  "trunkline_key_owner",
].join(", ");

suite("an outbox that moves to another PostgreSQL", { skip: missing(server) }, () => {
  let own: OwnDatabases;
  setUp(async () => {
    own = await ownPostgres({ fsync: false });
  });
  after(() => own[Symbol.asyncDispose]());

  async function shop(context: TestContext): Promise<Shop> {
    const made = shopAt(await own.fresh(), own);
    context.after(() => made.close());
    return made;
  }

  /** The second takes over from the first by logical replication, with messages pending. */
  async function switchOver(
    context: TestContext,
    prepare?: (later: Shop) => Promise<void>,
  ): Promise<void> {
    const [first, second] = [await shop(context), await shop(context)];
    for (const each of [first, second]) {
      await each.store.migrate();
      await each.sql("CREATE TABLE sold (number integer PRIMARY KEY)");
    }
    const name = `move_${new URL(first.address).pathname.slice(1)}`;
    const [before, later] = [new Taker(), new Taker()];
    first.relay(before);
    const writing = first.write(0);
    await until("it is under load", () => before.taken.length >= 50);
    await first.sql(`CREATE PUBLICATION ${name} FOR TABLE ${moving}`);
    await first.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    await second.sql(
      `CREATE SUBSCRIPTION ${name} CONNECTION '${first.address}' PUBLICATION ${name} WITH (create_slot = false)`,
    );
    await until("it is copied", async () => {
      const left = await second.sql(
        "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'",
      );
      return left === "0";
    });
    before.room = before.taken.length;
    const pendingFrom = writing.written();
    await until("some are pending", () => writing.written() >= pendingFrom + 50);

    const next = await writing.stop();
    await first.close();
    const end = await first.sql("SELECT pg_current_wal_lsn()");
    await until("it has caught up", async () => {
      const there = await first.sql(
        `SELECT confirmed_flush_lsn >= '${end}' FROM pg_replication_slots WHERE slot_name = '${name}'`,
      );
      return there === "t";
    });
    await second.sql(`DROP SUBSCRIPTION ${name}`);
    await prepare?.(second);
    await second.store.migrate();
    const again = second.write(next);
    await until(
      "some are written behind those that are pending",
      () => again.written() >= next + 50,
    );
    second.relay(later);
    await until("the new ones are published", () => later.numbers.includes(next + 100));
    await again.stop();
    await assertAllTaken(second, before, later);
    assert.ok(later.numbers.includes(next - 1), "nothing was pending when it was switched");
  }

  test("OB-12: a failover by logical replication in the middle of traffic: nothing is lost, stuck or out of order", (t) =>
    switchOver(t));

  test("OB-12: a subscriber whose numbers are behind its rows is told of by the doctor, and mended by migrate", (t) =>
    switchOver(t, async ({ sql, store }) => {
      await sql("SELECT setval(pg_get_serial_sequence('trunkline_outbox', 'seq'), 1)");
      const behind = (await store.examine!()).find(({ about }) => about === "numbers");
      assert.equal(behind?.state, "wrong");
      await store.migrate();
      const mended = (await store.examine!()).find(({ about }) => about === "numbers");
      assert.equal(mended?.state, "fine");
    }));

  test("OB-12: a dump in the middle of traffic, restored elsewhere: what it holds is published from there, without a slot", async (t) => {
    const first = await shop(t);
    await first.store.migrate();
    await first.store.log!.enable();
    await first.sql("CREATE TABLE sold (number integer PRIMARY KEY)");
    const [before, later] = [new Taker(), new Taker()];
    const relay = first.relay(before);
    await until("the log is followed", () => relay.stats().log?.is === "followed");
    const writing = first.write(0);
    await until("it is under load", () => before.taken.length >= 50);
    before.room = before.taken.length;
    const from = writing.written();
    await until("some are pending", () => writing.written() >= from + 50);
    const dump = await printed(join(postgresPrograms, "pg_dump"), [first.address]);
    before.room = Infinity;
    await until("it goes on", () => before.numbers.includes(from + 60));
    await writing.stop();
    await first.close();

    const second = await shop(t);
    const restored = await command(
      join(postgresPrograms, "psql"),
      ["-XAtq", "-v", "ON_ERROR_STOP=1", second.address],
      dump,
    );
    assert.equal(restored.code, 0, restored.stderr);
    const next = (await soldIn(second)).length;
    assert.ok(next >= from + 50, "the dump is older than the traffic");
    const moved = second.relay(later);
    const again = second.write(next);
    await until("the new ones are published", () => later.numbers.includes(next + 50));
    await again.stop();
    await assertAllTaken(second, before, later);
    await until("there is no slot", () => moved.stats().log?.is === "lost");
    await second.store.log!.enable();
    await until("it is followed again", () => moved.stats().log?.is === "followed");
  });
});
