import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Outgoing, Receipt } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { Store } from "../../store/store.ts";
import { shareOf } from "../../store/outbox-rows.ts";
import { laneOfKey } from "./lane.ts";
import { Outbox } from "./outbox.ts";
import { relayTerms, type RelayOptions } from "./relay-terms.ts";
import { Relay } from "./relay.ts";

const ordered = channel({ name: "orders", shape: "topic", ordered: true });
const plain = channel({ name: "plain", shape: "topic" });

type Answer = (message: Outgoing, at: number) => Receipt | TrunklineError;

const stored: Receipt = { enqueued: "stored" };
const maybe = systemError("UNAVAILABLE", "no receipt came", { executed: "maybe" });
const invalid = systemError("INVALID_ARGUMENT", "it is not taken", { executed: "no" });

/** A relay over a database in a file, in virtual time, with a broker that answers as it is told. */
class Stand {
  readonly env = new VirtualEnv();
  readonly db: Store<DatabaseSync>;
  readonly outbox: Outbox<DatabaseSync>;
  readonly relays: Relay[] = [];
  /** Ids as they came to the broker, batch by batch. */
  readonly batches: string[][] = [];
  answer: Answer = () => stored;
  beforeAnswer: () => Promise<void> = () => Promise.resolve();

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), "relay-"));
    this.db = sqlite(join(folder, "data.db"), { env: this.env });
    this.outbox = new Outbox(this.db, { name: "shop", env: this.env });
    t.after(async () => {
      await Promise.all(this.relays.map((relay) => relay.stop(0)));
      await this.db.close();
      rmSync(folder, { recursive: true });
    });
  }

  static async open(t: TestContext): Promise<Stand> {
    const stand = new Stand(t);
    await stand.db.migrate();
    return stand;
  }

  get came(): string[] {
    return this.batches.flat();
  }

  readonly #broker = {
    capabilities: { bytesMax: 10_000 },
    declare: () => Promise.resolve([]),
    publish: async (all: readonly Outgoing[]): Promise<(Receipt | TrunklineError)[]> => {
      await this.beforeAnswer();
      this.batches.push(all.map(({ envelope }) => envelope.id));
      return all.map((each, at) => this.answer(each, at));
    },
  } as unknown as Broker;

  relay(options: RelayOptions = {}): Relay {
    const relay = new Relay({
      store: this.db,
      broker: () => Promise.resolve(this.#broker),
      terms: relayTerms(options),
      name: `relay-${this.relays.length}`,
      env: this.env,
    });
    this.relays.push(relay);
    this.outbox.onCommitted(() => relay.wake());
    relay.start();
    return relay;
  }

  async publish(
    ...messages: readonly (readonly [id: string, key?: string, bytes?: number])[]
  ): Promise<void> {
    await this.db.transaction((tx) =>
      this.outbox.append(
        tx,
        messages.map(([id, key, bytes]) => outgoing(id, key, bytes)),
      ),
    );
  }

  async pending(): Promise<string[]> {
    const shares = Array.from({ length: 32 }, (_, share) => share);
    return (await this.db.outbox.read(shares, [], 1_000)).map(({ id }) => id);
  }

  /** Waits, in virtual time, until it is so. */
  async until(reached: () => boolean | Promise<boolean>): Promise<void> {
    for (let left = 10_000; !(await reached()); left--) {
      ok(left > 0, `it never came to that; to the broker came ${this.came.join()}`);
      await sleep(this.env, 50);
    }
  }
}

function outgoing(id: string, key?: string, bytes: number = 2): Outgoing {
  const made: Channel = key === undefined ? plain : ordered;
  const data = new Uint8Array(bytes);
  const envelope = { id, type: "t", source: "/s", subject: key, time: 0, attributes: {}, data };
  return { channel: made, envelope: { ...envelope, contentType: "text/plain" } };
}

test("OB-5: in a lane only what is confirmed up to the first that is not is taken out, and from there on it is sent again", async (t) => {
  const stand = await Stand.open(t);
  let refuse = true;
  stand.answer = ({ envelope }) => (refuse && envelope.id === "2" ? maybe : stored);
  await stand.publish(["1", "k"], ["2", "k"], ["3", "k"], ["other", "k2"]);
  stand.relay();
  await stand.until(() => stand.batches.length > 0);
  await stand.until(async () => (await stand.pending()).length === 2);
  deepEqual(await stand.pending(), ["2", "3"]);
  refuse = false;
  await stand.until(async () => (await stand.pending()).length === 0);
  deepEqual(stand.batches.at(-1), ["2", "3"]);
});

test("OB-5: where there is no order each that is confirmed is taken out", async (t) => {
  const stand = await Stand.open(t);
  stand.answer = ({ envelope }) => (envelope.id === "2" ? maybe : stored);
  await stand.publish(["1"], ["2"], ["3"]);
  stand.relay();
  await stand.until(async () => (await stand.pending()).length === 1);
  deepEqual(await stand.pending(), ["2"]);
});

test("OB-5: nothing of a lane is sent while something of it is under way", async (t) => {
  const stand = await Stand.open(t);
  const { promise: held, resolve: free } = Promise.withResolvers<void>();
  stand.beforeAnswer = () => held;
  await stand.publish(["1", "k"]);
  const relay = stand.relay({ poll: "10ms" });
  await sleep(stand.env, 100);
  await stand.publish(["2", "k"]);
  relay.wake();
  await sleep(stand.env, 500);
  deepEqual(stand.batches, []);
  free();
  await stand.until(() => stand.came.length === 2);
  deepEqual(stand.batches, [["1"], ["2"]]);
});

test("OB-6: while the broker is asked no transaction is open: others write, also where only one may", async (t) => {
  const stand = await Stand.open(t);
  stand.beforeAnswer = async () => {
    stand.beforeAnswer = () => Promise.resolve();
    await stand.publish(["written meanwhile", "k"]);
  };
  await stand.publish(["1", "k"]);
  stand.relay();
  await stand.until(() => stand.came.length === 2);
  deepEqual(stand.came, ["1", "written meanwhile"]);
});

test("OB-7: what is refused for good reason is given up after so many times, and parks its key; other lanes go on meanwhile", async (t) => {
  const stand = await Stand.open(t);
  stand.answer = ({ envelope }) => (envelope.id === "bad" ? invalid : stored);
  await stand.publish(["bad", "k"], ["other", "k2"]);
  const relay = stand.relay({ refusalsMax: 3 });
  await stand.until(() => relay.stats().dead === 1);
  await stand.publish(["follows", "k"], ["goes on", "k3"]);
  await stand.until(() => relay.stats().dead === 2);
  await stand.until(() => stand.came.includes("goes on"));
  equal(stand.came.filter((id) => id === "bad").length, 3);
  deepEqual(
    (await stand.db.outbox.dead(10)).map(({ id, parking, reason }) => [id, parking, reason]),
    [
      ["bad", "first", "INVALID_ARGUMENT: it is not taken"],
      ["follows", "follows", "an earlier one of its key is dead"],
    ],
  );
  stand.answer = () => stored;
  equal(await stand.db.outbox.redrive({ key: "k" }), 2);
  relay.wake();
  await stand.until(() => stand.came.includes("follows"));
  deepEqual(stand.came.slice(-2), ["bad", "follows"]);
  deepEqual([await stand.pending(), await stand.db.outbox.dead(10)], [[], []]);
});

test("OB-7: what is larger than the broker takes is not sent at all, and skipped if that is asked for", async (t) => {
  const stand = await Stand.open(t);
  await stand.publish(["large", "k", 20_000], ["next", "k"]);
  const relay = stand.relay({ refusalsMax: 2, refused: "skip" });
  await stand.until(() => stand.came.includes("next"));
  deepEqual(stand.came, ["next"]);
  const [dead] = await stand.db.outbox.dead(10);
  deepEqual([dead?.id, dead?.parking], ["large", "none"]);
  equal(relay.stats().standing, 0);
});

test("OB-7: a lane that is to be blocked stands, is tried again, and goes on when its first is taken", async (t) => {
  const stand = await Stand.open(t);
  stand.answer = ({ envelope }) => (envelope.id === "bad" ? invalid : stored);
  await stand.publish(["bad", "k"], ["behind", "k"]);
  const relay = stand.relay({ refusalsMax: 1, refused: "block" });
  await stand.until(() => stand.came.filter((id) => id === "bad").length === 5);
  deepEqual([await stand.pending(), relay.stats().dead], [["bad", "behind"], 0]);
  // It was sent with the others once; since then nobody is sent before it is decided what becomes of the first.
  equal(stand.came.filter((id) => id === "behind").length, 1);
  stand.answer = () => stored;
  await stand.until(async () => (await stand.pending()).length === 0);
});

test("OB-7: what nobody is there for is given up where the broker takes others beside it, and waits where it takes nothing", async (t) => {
  const stand = await Stand.open(t);
  const nobody = systemError("UNAVAILABLE", "no queue takes it", { executed: "no" });
  stand.answer = ({ envelope }) => (envelope.id === "to nobody" ? nobody : stored);
  await stand.publish(["to nobody", "k"]);
  const relay = stand.relay({ refusalsMax: 2, refused: "skip" });
  await stand.until(() => stand.came.length > 5);
  deepEqual(await stand.pending(), ["to nobody"]);
  for (let count = 0; relay.stats().dead === 0; count++) {
    await stand.publish([`beside-${count}`]);
    await sleep(stand.env, 1_000);
  }
  const [dead] = await stand.db.outbox.dead(10);
  deepEqual([dead?.id, dead?.reason], ["to nobody", "UNAVAILABLE: no queue takes it"]);
});

test("OB-7: a pass that brings nothing forward is followed by pauses that grow", async (t) => {
  const stand = await Stand.open(t);
  stand.answer = () => systemError("UNAVAILABLE", "nobody is there", { executed: "no" });
  await stand.publish(["1", "k"], ["2"]);
  const relay = stand.relay({ poll: "10ms" });
  await sleep(stand.env, 60_000);
  ok(stand.batches.length < 80, `${stand.batches.length} batches in a minute`);
  equal(relay.stats().trouble, "UNAVAILABLE: nobody is there");
  deepEqual(await stand.db.outbox.dead(10), []);
  stand.answer = () => stored;
  await stand.until(async () => (await stand.pending()).length === 0);
  equal(relay.stats().trouble, undefined);
});

test("OB-4: a relay whose lease may be over publishes nothing, and what was read under it is read again", async (t) => {
  const stand = await Stand.open(t);
  let stalled = false;
  const { outbox } = stand.db;
  const read = outbox.read.bind(outbox);
  outbox.read = async (...terms) => {
    const rows = await read(...terms);
    if (rows.length > 0 && !stalled) {
      stalled = true;
      stand.env.stall(9_000); // longer than its lease, between reading and publishing
    }
    return rows;
  };
  await stand.publish(["1", "k"]);
  const relay = stand.relay();
  await stand.until(() => stalled);
  deepEqual(stand.batches, []);
  await stand.until(() => stand.came.length > 0);
  deepEqual([stand.came, relay.stats().published], [["1"], 1]);
});

test("OB-9: what nobody has told of is found by looking", async (t) => {
  const stand = await Stand.open(t);
  stand.relay({ poll: "200ms" });
  await sleep(stand.env, 5_000);
  const elsewhere = new Outbox(stand.db, { name: "elsewhere", env: stand.env });
  await stand.db.transaction((tx) => elsewhere.append(tx, [outgoing("1", "k")]));
  await sleep(stand.env, 300);
  deepEqual(stand.came, ["1"]);
});

test("OB-4: several relays share the lanes, and one that stops gives its own to the others", async (t) => {
  const stand = await Stand.open(t);
  const first = stand.relay({ lease: "3s" });
  await stand.until(() => first.stats().shares === 32);
  const second = stand.relay({ lease: "3s" });
  await stand.until(() => first.stats().shares === 16 && second.stats().shares === 16);
  await first.stop(100);
  await stand.until(() => second.stats().shares === 32);
  const many = Array.from({ length: 100 }, (_, index) => [`${index}`, `key-${index}`] as const);
  await stand.publish(...many);
  await stand.until(() => stand.came.length === 100);
  equal(new Set(stand.came).size, 100);
});

test("OB-4: a lane changes hands only when nothing of it is under way", async (t) => {
  const stand = await Stand.open(t);
  const { promise: held, resolve: free } = Promise.withResolvers<void>();
  stand.beforeAnswer = () => {
    stand.beforeAnswer = () => Promise.resolve();
    return held;
  };
  // Its share is among those that a relay gives back when another one comes.
  ok(shareOf(laneOfKey("a")) < 16);
  await stand.publish(["1", "a"]);
  const first = stand.relay({ lease: "3s" });
  await stand.until(() => first.stats().shares === 32);
  const second = stand.relay({ lease: "3s" });
  await stand.until(() => second.stats().shares > 0);
  await stand.publish(["2", "a"]);
  await sleep(stand.env, 5_000);
  deepEqual(stand.batches, []);
  free();
  await stand.until(() => stand.came.length === 2);
  deepEqual(stand.batches, [["1"], ["2"]]);
  await stand.until(() => first.stats().shares === 16 && second.stats().shares === 16);
});

test("OB-11: how long the oldest message waits is among the figures", async (t) => {
  const stand = await Stand.open(t);
  stand.answer = () => maybe;
  await stand.publish(["1", "k"]);
  const relay = stand.relay();
  // The clock of the database is a real one.
  const late = Date.now() + 5;
  while (Date.now() < late);
  await stand.until(() => relay.stats().oldestMs >= 5);
});
