import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { between, seededRandom } from "../../base/random.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Delivery, Receipt, Subscription } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryStore, type MemoryStoreOptions } from "./store.ts";

class Bench {
  readonly env = new VirtualEnv();
  readonly #store: MemoryStore;

  constructor(options: MemoryStoreOptions = {}) {
    this.#store = new MemoryStore(options, this.env);
  }

  open(user: string = "user"): Broker {
    return new MemoryBroker("memory:", this.#store, user);
  }

  envelope(text: string, subject?: string): Envelope {
    const about = { type: "test.said", source: "/test", contentType: "text/plain", attributes: {} };
    return { id: text, ...about, subject, time: this.env.wall(), data: Buffer.from(text) };
  }

  async publish(
    to: Channel,
    text: string,
    subject?: string,
  ): Promise<Receipt | TrunklineError | undefined> {
    const [outcome] = await this.open().publish([
      { channel: to, envelope: this.envelope(text, subject) },
    ]);
    return outcome;
  }

  /** Resolves when nothing is left to do but to wait. */
  quiet(): Promise<void> {
    return sleep(this.env, 1);
  }
}

const queue = channel({ name: "work", shape: "queue", ordered: true, shards: 4 });
const whole = { channel: queue, group: undefined, prefetch: 100 };
const ids = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ envelope: { id } }) => id);

suite("the memory broker", () => {
  test("keeps the order of each key while members come and go, and gives each message to an end", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const bench = new Bench();
      const random = seededRandom(seed, "members");
      const done = new Map<string, number[]>();
      const total = 300;
      let left = total;
      const all = Promise.withResolvers<void>();
      const deliver = (batch: readonly Delivery[]): void => {
        for (const each of batch)
          each.ack().then(
            () => {
              const { subject, id } = each.envelope;
              done.set(subject!, [...(done.get(subject!) ?? []), Number(id)]);
              if (--left === 0) all.resolve();
            },
            (error: unknown) => ok(isTrunklineError(error) && error.gate === "fenced"),
          );
      };
      const join = (): Promise<{ close(): Promise<void> }> =>
        bench.open().consume({ ...whole, prefetch: between(random, 1, 20) }, deliver);
      const members = [await join()];
      for (let index = 0; index < total; index++) {
        await bench.publish(queue, String(index), `k${between(random, 0, 9)}`);
        if (between(random, 0, 9) > 0) continue;
        if (members.length > 1 && random() < 0.5)
          await members.splice(between(random, 0, members.length - 1), 1)[0]!.close();
        else members.push(await join());
      }
      await all.promise;
      for (const [key, numbers] of done)
        deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
          `seed ${seed}, ${key}`,
        );
      await Promise.all(members.map((each) => each.close()));
      equal(bench.env.alarms, 0);
    }
  });

  test("what is held back keeps nobody awake while nobody consumes, and comes to who does", async () => {
    const bench = new Bench();
    const came: string[] = [];
    const broker = bench.open();
    await broker.declare([queue]);
    const notBefore = bench.env.wall() + 1_000;
    const message = { channel: queue, envelope: bench.envelope("later"), notBefore };
    await broker.publish([message]);
    equal(bench.env.alarms, 0);
    const early = await broker.consume(whole, (batch) => came.push(...ids(batch)));
    equal(bench.env.alarms, 1);
    await early.close();
    equal(bench.env.alarms, 0);
    await sleep(bench.env, 2_000);
    await broker.consume(whole, (batch) => came.push(...ids(batch)));
    await bench.quiet();
    deepEqual(came, ["later"]);
  });

  test("a member that does not answer in time loses its shard, and is fenced", async () => {
    const bench = new Bench();
    const two = { ...queue, shards: 2 };
    await bench.open().declare([two]);
    const held: Delivery[] = [];
    const lost: string[] = [];
    const slow: Subscription = {
      ...whole,
      channel: two,
      revoking: () => new Promise(() => {}),
      revokeMs: 2_000,
      lost: (shard) => lost.push(shard),
    };
    await bench.open("slow").consume(slow, (batch) => held.push(...batch));
    for (let index = 0; index < 20; index++) await bench.publish(two, `${index}`, `k${index}`);
    await bench.quiet();
    equal(held.length, 20);
    const quick: Delivery[] = [];
    await bench.open("quick").consume({ ...whole, channel: two }, (batch) => quick.push(...batch));
    await sleep(bench.env, 1_000);
    equal(quick.length, 0);
    await sleep(bench.env, 1_100);
    equal(lost.length, 1);
    ok(quick.length > 0 && quick.every(({ attempt }) => attempt === 2));
    const old = held.find(({ shard }) => shard === lost[0])!;
    const error = await old.ack().catch((each: unknown) => each);
    ok(isTrunklineError(error) && error.gate === "fenced");
    ok(quick[0]!.generation > old.generation);
    const { shards } = await bench.open().lag(two, undefined);
    deepEqual(shards.map(({ consumer = "" }) => consumer).toSorted(), ["quick", "slow"]);
  });

  test("an exclusive member consumes alone, and the next one when it leaves", async () => {
    for (const ordered of [true, false]) {
      const bench = new Bench();
      const of = { ...queue, ordered };
      await bench.open().declare([of]);
      const heard: string[][] = [[], []];
      const terms = { ...whole, channel: of, exclusive: true };
      const hear =
        (index: number) =>
        (batch: readonly Delivery[]): void => {
          for (const each of batch) void each.ack();
          heard[index]!.push(...ids(batch));
        };
      const first = await bench.open().consume(terms, hear(0));
      await bench.open().consume(terms, hear(1));
      for (const text of ["a", "b", "c"]) await bench.publish(of, text, text);
      await bench.quiet();
      await first.close();
      await bench.publish(of, "d", "d");
      await bench.quiet();
      deepEqual(
        heard.map((each) => each.toSorted()),
        [["a", "b", "c"], ["d"]],
      );
    }
  });

  test("a full queue refuses more, and says so; what is done makes room", async () => {
    const bench = new Bench({ waitingBytesMax: 10 });
    const short = { ...queue, lengthMax: 2 };
    await bench.open().declare([short]);
    equal(isTrunklineError(await bench.publish(short, "a")), false);
    equal(isTrunklineError(await bench.publish(short, "b")), false);
    const refused = await bench.publish(short, "c");
    ok(isTrunklineError(refused));
    deepEqual([refused.code, refused.executed], ["RESOURCE_EXHAUSTED", "no"]);
    const held: Delivery[] = [];
    await bench.open().consume({ ...whole, channel: short }, (batch) => held.push(...batch));
    await bench.quiet();
    ok(isTrunklineError(await bench.publish(short, "c")), "unsettled ones wait too");
    await held[0]!.ack();
    equal(isTrunklineError(await bench.publish(short, "c")), false);
    await held[1]!.ack();
    const large = await bench.publish(short, "0123456789");
    ok(isTrunklineError(large) && large.code === "RESOURCE_EXHAUSTED", "too many bytes");
  });

  test("of a compacted topic the last message of each key is kept", async () => {
    const bench = new Bench();
    const state = channel({ name: "state", shape: "topic", compacted: true });
    await bench.open().declare([state]);
    for (const [text, key] of [
      ["a1", "a"],
      ["b1", "b"],
      ["a2", "a"],
    ] as const)
      await bench.publish(state, text, key);
    const heard: Delivery[] = [];
    const from = { channel: state, group: "late", prefetch: 10, from: "first" } as const;
    await bench.open().consume(from, (batch) => heard.push(...batch));
    await bench.quiet();
    deepEqual(ids(heard), ["b1", "a2"]);
  });

  test("what is kept is read again from an instant, and no longer than it is kept", async () => {
    const bench = new Bench();
    const topic = channel({ name: "news", shape: "topic", retentionMs: 60_000 });
    await bench.open().declare([topic]);
    await bench.publish(topic, "old");
    await sleep(bench.env, 30_000);
    const instant = bench.env.wall();
    await bench.publish(topic, "young");
    const read = async (group: string, from: "first" | number): Promise<string[]> => {
      const heard: Delivery[] = [];
      await bench
        .open()
        .consume({ channel: topic, group, prefetch: 10, from }, (batch) => heard.push(...batch));
      await bench.quiet();
      return ids(heard);
    };
    deepEqual(await read("all", "first"), ["old", "young"]);
    deepEqual(await read("some", instant), ["young"]);
    await sleep(bench.env, 40_000);
    deepEqual(await read("late", "first"), ["young"]);
  });

  test("a paused consumer is given no more until it goes on", async () => {
    const bench = new Bench();
    await bench.open().declare([queue]);
    const heard: Delivery[] = [];
    const consumer = await bench.open().consume(whole, (batch) => heard.push(...batch));
    consumer.pause();
    await bench.publish(queue, "a");
    await bench.quiet();
    deepEqual(ids(heard), []);
    consumer.resume();
    await bench.quiet();
    deepEqual(ids(heard), ["a"]);
  });

  test("a full shard does not starve those behind it", async () => {
    const bench = new Bench();
    await bench.open().declare([queue]);
    for (let index = 0; index < 50; index++) await bench.publish(queue, `hot-${index}`, "hot");
    for (let index = 0; index < 4; index++)
      await bench.publish(queue, `cold-${index}`, `k${index}`);
    const heard: Delivery[] = [];
    await bench.open().consume({ ...whole, prefetch: 10 }, (batch) => heard.push(...batch));
    await bench.quiet();
    equal(heard.length, 10);
    ok(
      ids(heard).some((id) => id.startsWith("cold")),
      ids(heard).join(),
    );
  });
});
