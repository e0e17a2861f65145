import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, before, suite, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { postgres } from "../../store/postgres/index.ts";
import type { LogListener } from "../../store/log.ts";
import type { Store } from "../../store/store.ts";
import { Outbox } from "./outbox.ts";
import { Orders, Taker, until, upTo, type Taken } from "./testing/taker.ts";
import { relayTerms, type RelayOptions } from "./relay-terms.ts";
import { Relay } from "./relay.ts";

/** Makes a store hear no hints and give none. */
function deaf(store: Store<never>): Store<never> {
  return Object.assign(store, {
    hint: () => {},
    listen: () => Promise.resolve({ close: () => Promise.resolve() }),
  });
}

const fromSource = ["--conditions=@trunkline/source", "--input-type=module"];
const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
/** A process that follows the log of the outbox at an address, and prints what it publishes. */
const following = `
  import { writeSync } from "node:fs";
  import { realEnv } from ${here("../../base/real-env.ts")};
  import { postgres } from ${here("../../store/postgres/index.ts")};
  import { relayTerms } from ${here("./relay-terms.ts")};
  import { Relay } from ${here("./relay.ts")};
  const broker = {
    capabilities: { bytesMax: 2 ** 20 },
    declare: async () => [],
    async publish(all) {
      for (const { envelope } of all) writeSync(1, Buffer.from(envelope.data) + "\\n");
      return all.map(() => ({ enqueued: "accepted" }));
    },
  };
  const store = postgres(process.argv[1], { tailing: true });
  const terms = relayTerms({ lease: "1s", batch: 200 });
  new Relay({ store, broker: async () => broker, terms, name: "child", env: realEnv() }).start();
`;

interface Bench {
  readonly address: string;
  readonly store: Store<never>;
  readonly box: Outbox<never>;
  relay(taker: Taker, options?: RelayOptions, env?: Env): Relay;
  publish(from: number, to: number, keyed?: (number: number) => string): Promise<void>;
  sql(text: string): Promise<string>;
  slot(): Promise<string>;
}

async function bench(context: TestContext, own: OwnDatabases): Promise<Bench> {
  const address = await own.fresh();
  const database = new URL(address).pathname.slice(1);
  const store = deaf(postgres(address, { tailing: true }) as Store<never>);
  await store.migrate();
  await store.log!.enable();
  const box = new Outbox(store, { name: "shop" });
  const relays: Relay[] = [];
  context.after(async () => {
    await Promise.all(relays.map((relay) => relay.stop(1_000)));
    await store.close();
  });
  const sql = async (text: string): Promise<string> => (await own.run(text, database)).trim();
  return {
    address,
    store,
    box,
    relay(taker, options = {}, env = realEnv()) {
      const terms = relayTerms({ lease: "1s", ...options });
      const relay = new Relay({ store, broker: taker.broker, terms, name: "shop", env });
      relays.push(relay);
      relay.start();
      return relay;
    },
    publish: (from, to, keyed = (number) => `o-${number % 7}`) =>
      box.transaction(async ({ publish }) => {
        for (let number = from; number < to; number++)
          await publish(Orders.placed, { id: keyed(number), number });
      }),
    sql,
    slot: () =>
      sql(
        `SELECT coalesce(max(wal_status || ' ' || active), 'none') FROM pg_replication_slots WHERE database = current_database()`,
      ),
  };
}

const isFollowed = (relay: Relay): boolean => relay.stats().log?.is === "followed";

suite("log tailing on PostgreSQL", { skip: missing(server) }, () => {
  let own: OwnDatabases;
  before(async () => {
    own = await ownPostgres({ fsync: false, settings: { max_slot_wal_keep_size: "64MB" } });
  });
  after(() => own[Symbol.asyncDispose]());

  test("OB-10: whatever is committed, by whomever, is told of and published; nobody waits for a look that comes in a minute", async (t) => {
    const { relay, publish, sql, store } = await bench(t, own);
    const log = store.log!;
    const { follow } = log;
    let told = 0;
    Object.assign(log, {
      follow: (ear: LogListener, env: Env) =>
        follow({ ...ear, committed: () => (told++, ear.committed()) }, env),
    });
    const taker = new Taker();
    const tailing = relay(taker, { poll: "1m" });
    await until("it is followed", () => isFollowed(tailing));
    for (let number = 0; number < 10; number++) {
      const earlier = told;
      await publish(number, number + 1);
      await until("it is taken", () => taker.taken.length === number + 1);
      await until("it is told of", () => told > earlier);
    }
    taker.room = 10;
    await publish(10, 11);
    await sql("CREATE TABLE kept AS SELECT channel, head, data FROM trunkline_outbox");
    taker.room = Infinity;
    const earlier = told;
    await sql(`INSERT INTO trunkline_outbox (id, lane, channel, head, data, not_before, written_at)
      SELECT 'by psql', 256, channel, head, data, 0, 0 FROM kept`);
    await until("what psql has written is taken", () =>
      taker.taken.some(({ id }) => id === "by psql"),
    );
    await until("it is told of", () => told > earlier);
  });

  test("OB-10: what others have published before the log tells of it is not published again", async (t) => {
    const { relay, publish, store } = await bench(t, own);
    const first = new Taker();
    const polling = relay(first, { poll: "10ms" });
    await publish(0, 500);
    await until("all are taken", () => first.taken.length === 500);
    await polling.stop(1_000);
    const second = new Taker();
    const tailing = relay(second);
    await until("it is followed", () => isFollowed(tailing));
    await publish(500, 501);
    await until("the new one is taken", () => second.numbers.includes(500));
    assert.deepEqual(second.numbers, [500]);
    await until("it is taken out", async () => (await store.outbox.status(1)).pending === 0);
  });

  test("OB-10: the log is kept from the last commit that is not wholly confirmed, and an idle table keeps none of it", async (t) => {
    const { relay, publish, sql } = await bench(t, own);
    const confirmed = async (): Promise<bigint> =>
      BigInt(
        await sql(
          "SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots WHERE database = current_database()",
        ),
      );
    const written = async (): Promise<bigint> =>
      BigInt(await sql("SELECT (pg_current_wal_lsn() - '0/0')::bigint"));
    const taker = new Taker();
    taker.room = 40;
    const tailing = relay(taker, { poll: "10ms", concurrency: 1, batch: 10 });
    await until("it is followed", () => isFollowed(tailing));
    await publish(0, 10);
    const first = await written();
    await until("the first is confirmed", async () => (await confirmed()) >= first);
    await publish(10, 100);
    const between = await written();
    await until("30 of 90 are taken", () => taker.taken.length === 40);
    await sql("CREATE TABLE noise AS SELECT generate_series(1, 1000) AS number");
    await until("it is told that it has come further", async () => {
      const read = await sql(
        "SELECT coalesce(max((write_lsn - '0/0')::bigint), 0) FROM pg_stat_replication WHERE state = 'streaming'",
      );
      return BigInt(read) > between;
    });
    assert.ok((await confirmed()) < between, "a part of a transaction was taken for the whole");
    taker.room = Infinity;
    await until("all are taken", () => taker.numbers.length >= 100);
    await sql("INSERT INTO noise SELECT generate_series(1, 1000)");
    const last = await written();
    await until("what others write is kept for nobody", async () => (await confirmed()) >= last);
    taker.assertOrder();
  });

  test("OB-10: a slot that is dropped under it is said once, the table is looked at, and a new one is read", async (t) => {
    const { relay, publish, store } = await bench(t, own);
    const told: string[] = [];
    const hear = (heard: unknown): void => {
      const { what, reason, store: of } = heard as Record<string, string>;
      if (what === "log" && of === store.address) told.push(reason!);
    };
    subscribe("trunkline:outbox", hear);
    t.after(() => unsubscribe("trunkline:outbox", hear));
    const taker = new Taker();
    const tailing = relay(taker, { poll: "50ms" });
    await until("it is followed", () => isFollowed(tailing));
    await store.log!.disable();
    await until("it is said", () => told.some((reason) => reason.includes("there is no slot")));
    await publish(0, 100);
    await until("the table is looked at", () => taker.taken.length === 100);
    await store.log!.enable();
    await until("it is followed again", () => isFollowed(tailing));
    await publish(100, 200);
    await until("all are taken", () => taker.taken.length === 200);
    assert.deepEqual(taker.numbers, upTo(200));
    assert.equal(told.filter((reason) => reason.includes("there is no slot")).length, 1);
    taker.assertOrder();
  });

  test("OB-10: who may not read the log publishes as without, and is told what to grant", async (t) => {
    const { box, sql, address, publish } = await bench(t, own);
    await sql(
      "CREATE ROLE clerk LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk",
    );
    const store = postgres(address.replace("postgres@", "clerk@"), {
      tailing: true,
    }) as Store<never>;
    const taker = new Taker();
    const terms = relayTerms({ poll: "10ms" });
    const relay = new Relay({ store, broker: taker.broker, terms, name: "shop", env: realEnv() });
    relay.start();
    t.after(async () => {
      await relay.stop(1_000);
      await store.close();
    });
    await publish(0, 10);
    await until("all are taken", () => taker.taken.length === 10);
    await until("it is said", () => relay.stats().log?.is === "lost");
    const { log } = relay.stats();
    assert.match(log?.is === "lost" ? log.reason : "", /ALTER ROLE … REPLICATION/);
    await sql("ALTER ROLE clerk REPLICATION");
    await until("it is followed", () => isFollowed(relay));
    assert.equal(box.store.dialect, "postgres");
  });

  test("OB-10: of a transaction of 10,000 messages half was published when the process was killed: the other half comes, in order", async (t) => {
    const { relay, publish, address, slot } = await bench(t, own);
    const child = spawn(process.execPath, [...fromSource, "-e", following, address], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => void child.kill("SIGKILL"));
    const seen: Taken[] = [];
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.startsWith("{")) seen.push(JSON.parse(line) as Taken);
    });
    await until("the child follows it", async () => (await slot()).endsWith("true"));
    await publish(0, 10_000);
    await until("it has begun", () => seen.length >= 2_000);
    child.kill("SIGKILL");
    await once(child, "exit");
    const taker = new Taker();
    const tailing = relay(taker);
    await until("the other half comes", () => taker.numbers.includes(9_999));
    await until("another follows it", () => isFollowed(tailing));
    await until(
      "all are taken",
      () => new Set([...seen, ...taker.taken].map(({ number }) => number)).size === 10_000,
    );
    assert.ok(taker.taken.length < 10_000, "what was taken out came again");
    taker.assertOrder();
  });

  test("the log of one database is followed by one process; the others hear of it from it, and one takes over", async (t) => {
    const { relay, publish } = await bench(t, own);
    const [one, two] = [new Taker(), new Taker()];
    const first = relay(one);
    await until("it is followed", () => isFollowed(first));
    const second = relay(two);
    await until("it is followed elsewhere", () => second.stats().log?.is === "elsewhere");
    await publish(0, 500);
    await until("all are taken", () => one.taken.length + two.taken.length === 500);
    await first.stop(1_000);
    await until("the other has taken over", () => isFollowed(second));
    await publish(500, 600);
    await until("all are taken", () => one.taken.length + two.taken.length === 600);
    one.assertOrder();
    two.assertOrder();
  });
});

suite("log tailing on a PostgreSQL of its own", { skip: missing(server) }, () => {
  test("OB-10: a slot lost because the log outgrew max_slot_wal_keep_size: the table is looked at, and the doctor says it", async (t) => {
    await using own = await ownPostgres({
      fsync: false,
      settings: { max_slot_wal_keep_size: "1MB", min_wal_size: "32MB", max_wal_size: "32MB" },
    });
    const { relay, publish, sql, slot, store } = await bench(t, own);
    const taker = new Taker();
    taker.room = 0;
    const tailing = relay(taker, { poll: "50ms" });
    await until("it is followed", () => isFollowed(tailing));
    await publish(0, 100);
    await until("it is lost", async () => {
      await sql(
        "CREATE TABLE IF NOT EXISTS noise (text text); INSERT INTO noise VALUES ('x'); SELECT pg_switch_wal()",
      );
      await sql("CHECKPOINT");
      return (await slot()).startsWith("lost");
    });
    await until("it is said", () => {
      const { log } = tailing.stats();
      return log?.is === "lost" && log.reason.includes("max_slot_wal_keep_size");
    });
    const [finding] = await store.log!.examine();
    assert.equal(finding?.state, "wrong");
    taker.room = Infinity;
    await until("all are taken", () => taker.taken.length === 100);
    await store.log!.enable();
    await until("it is followed again", () => isFollowed(tailing));
    await publish(100, 110);
    await until("all are taken", () => taker.taken.length === 110);
    taker.assertOrder();
  });

  test("OB-10: a server that is killed and started again under load: nothing is lost, and the log is followed again", async (t) => {
    await using own = await ownPostgres({ settings: { max_slot_wal_keep_size: "64MB" } });
    const { relay, publish } = await bench(t, own);
    const taker = new Taker();
    const tailing = relay(taker, { poll: "200ms" });
    await until("it is followed", () => isFollowed(tailing));
    const committed: number[] = [];
    const writing = (async () => {
      for (let number = 0; number < 300; number++) {
        await publish(number, number + 1).then(
          () => committed.push(number),
          () => pause(20),
        );
      }
    })();
    await until("it is under load", () => committed.length >= 50);
    await own.server.kill();
    await own.server.restart();
    await writing;
    await until("all that was committed is taken", () => {
      const numbers = new Set(taker.numbers);
      return committed.every((number) => numbers.has(number));
    });
    await until("it is followed again", () => isFollowed(tailing));
    taker.assertOrder();
  });
});
