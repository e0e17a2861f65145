import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { isTrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Consumer, Delivery, Outgoing, Receipt } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { DirectLab } from "./testing/lab.ts";

const transient = { guarantee: "at-most-once" } as const;
const queue: Channel = channel({ name: "work", shape: "queue", ordered: true, ...transient });
const topic: Channel = channel({ name: "news", shape: "topic", ordered: true, ...transient });

let ids = 0;

function message(
  of: Channel,
  subject: string | undefined,
  text = "",
  given: Partial<Envelope> = {},
) {
  const data = new TextEncoder().encode(text);
  const contentType = "text/plain";
  const envelope = { id: `m${++ids}`, type: "t", source: "/s", subject, time: 0, contentType };
  return { channel: of, envelope: { ...envelope, attributes: {}, data, ...given } };
}

function textOf({ envelope }: Delivery): string {
  return new TextDecoder().decode(envelope.data);
}

/** A consumer that settles what comes when it is told to, or at once. */
class Reader {
  readonly had: Delivery[] = [];
  consumer!: Consumer;
  readonly #settles: boolean;
  #awaited: { readonly count: number; readonly resolve: () => void } | undefined;

  private constructor(settles: boolean) {
    this.#settles = settles;
  }

  static async open(
    lab: DirectLab,
    broker: Broker,
    of: Channel,
    group?: string,
    { settles = true, prefetch = 10, exclusive = false } = {},
  ): Promise<Reader> {
    const reader = new Reader(settles);
    reader.consumer = await broker.consume(
      { channel: of, group, prefetch, exclusive },
      (batch) => void reader.#take(batch),
    );
    await lab.told();
    return reader;
  }

  get texts(): string[] {
    return this.had.map(textOf);
  }

  async #take(batch: readonly Delivery[]): Promise<void> {
    this.had.push(...batch);
    if (this.#settles) for (const each of batch) await each.ack();
    if (this.#awaited !== undefined && this.had.length >= this.#awaited.count)
      this.#awaited.resolve();
  }

  /** Resolves when it has had so many. */
  until(count: number): Promise<void> {
    if (this.had.length >= count) return Promise.resolve();
    return new Promise((resolve) => (this.#awaited = { count, resolve }));
  }
}

async function inLab(
  work: (lab: DirectLab, env: VirtualEnv) => Promise<void>,
  waitMs = 10_000,
): Promise<void> {
  const env = new VirtualEnv();
  const lab = new DirectLab({ env, waitMs });
  try {
    await work(lab, env);
  } finally {
    await lab.close();
  }
}

function receipts(results: readonly (Receipt | Error)[]): readonly string[] {
  return results.map((each) => (isTrunklineError(each) ? `${each.code} ${each.executed}` : "ok"));
}

suite("messages without a broker", () => {
  test("a message of a queue goes to one of those who consume, that of a topic to each group and to each on its own", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const workers = [await Reader.open(lab, a, queue), await Reader.open(lab, b, queue)];
      const bills = [
        await Reader.open(lab, a, topic, "bills"),
        await Reader.open(lab, b, topic, "bills"),
      ];
      const stock = await Reader.open(lab, b, topic, "stock");
      const tail = await Reader.open(lab, a, topic);
      const many = (of: Channel): Outgoing[] =>
        Array.from({ length: 60 }, (_, i) => message(of, `k${i}`, `${i}`));
      const results = await p.publish([...many(queue), ...many(topic)]);
      deepEqual(new Set(receipts(results)), new Set(["ok"]));
      await stock.until(60);
      await tail.until(60);
      for (const pair of [workers, bills]) {
        const all = pair.flatMap(({ texts }) => texts);
        equal(all.length, 60);
        equal(new Set(all).size, 60);
        for (const { texts } of pair) ok(texts.length > 0, "both have a share");
      }
    }));

  test("messages of one key arrive in the order of their publishing, over many publishings", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const readers = [
        await Reader.open(lab, a, queue, undefined, { prefetch: 3 }),
        await Reader.open(lab, b, queue, undefined, { prefetch: 3 }),
      ];
      const published = Array.from({ length: 300 }, (_, i) =>
        p.publish([message(queue, `k${i % 7}`, `${i % 7}:${i}`)]),
      );
      await Promise.all(published);
      const byKey = new Map<string, number[]>();
      for (const text of readers.flatMap(({ texts }) => texts)) {
        const [key = "", at] = text.split(":");
        byKey.set(key, [...(byKey.get(key) ?? []), Number(at)]);
      }
      equal(byKey.size, 7);
      for (const order of byKey.values())
        deepEqual(
          order,
          order.toSorted((one, other) => one - other),
        );
    }));

  test("nobody is there: an event is fine, a queue that must have somebody is UNAVAILABLE and was not sent", () =>
    inLab(async (lab) => {
      const p = lab.open();
      const results = await p.publish([message(topic, "k"), message(queue, "k")]);
      deepEqual(receipts(results), ["ok", "UNAVAILABLE no"]);
    }));

  test("who comes within a moment still gets what nobody was there for, in order", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const published = p.publish([message(queue, "k", "1"), message(queue, "k", "2")]);
      const reader = await Reader.open(lab, a, queue);
      const third = p.publish([message(queue, "k", "3")]);
      deepEqual(receipts([...(await published), ...(await third)]), ["ok", "ok", "ok"]);
      await reader.until(3);
      deepEqual(reader.texts, ["1", "2", "3"]);
    }));

  test("a consumer that settles nothing holds up who publishes, who is told in time that the rest was not sent", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const reader = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 2 });
      const results = await p.publish(
        Array.from({ length: 200 }, (_, i) => message(queue, `k${i % 3}`)),
      );
      const told = receipts(results);
      equal(told.filter((each) => each === "ok").length, 66); // 64 wait, 2 are unsettled
      equal(told.filter((each) => each === "DEADLINE_EXCEEDED no").length, 134);
      equal(reader.had.length, 2);
    }, 1_000));

  test("a channel with a length refuses what goes beyond it at once", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const short = channel({ ...queue, lengthMax: 3 });
      await Reader.open(lab, a, short, undefined, { settles: false, prefetch: 1 });
      const results = await p.publish(Array.from({ length: 6 }, () => message(short, "k")));
      equal(receipts(results).filter((each) => each === "RESOURCE_EXHAUSTED no").length, 3);
    }));

  test("what is released comes again at the head of its shard, its attempt counted", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const reader = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 1 });
      await p.publish([message(queue, "k", "1"), message(queue, "k", "2")]);
      await reader.until(1);
      await reader.had[0]!.release();
      await reader.until(2);
      await reader.had[1]!.ack();
      await reader.until(3);
      deepEqual(reader.texts, ["1", "1", "2"]);
      deepEqual(
        reader.had.map(({ attempt, redelivered }) => [attempt, redelivered]),
        [
          [1, false],
          [2, true],
          [1, false],
        ],
      );
    }));

  test("a consumer that closes hands on what it has not settled, before later ones of the same key", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const first = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 2 });
      await p.publish(["1", "2", "3", "4"].map((text) => message(queue, "k", text)));
      await first.until(2);
      await first.had[0]!.ack();
      const second = await Reader.open(lab, b, queue);
      const later = p.publish([message(queue, "k", "5")]);
      await first.consumer.close();
      deepEqual(receipts(await later), ["ok"]);
      await second.until(4);
      deepEqual(second.texts, ["2", "3", "4", "5"]);
      equal(second.had[0]!.attempt, 2);
      await rejects(first.had[1]!.ack(), { code: "UNAVAILABLE", gate: "fenced" });
    }));

  test("a key's next message goes to its new owner only when the former has settled what it had", () =>
    inLab(async (lab, env) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
      const one = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 100 });
      await p.publish(keys.map((key) => message(queue, key, `1 ${key}`)));
      await one.until(40);
      const two = await Reader.open(lab, b, queue);
      const later = p.publish(keys.map((key) => message(queue, key, `2 ${key}`)));
      await sleep(env, 3_000);
      deepEqual(two.texts, []);
      for (const each of one.had.slice(0, 40)) await each.ack();
      await later;
      ok(two.had.length > 0, "some keys have moved");
      equal(two.had.length + one.had.length, 80);
    }));

  test("who was cut off is passed over; what was on its way is told as it is", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const dead = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 1 });
      const keys = Array.from({ length: 24 }, (_, i) => `k${i}`);
      const waiting = p.publish(Array.from({ length: 90 }, () => message(queue, "k")));
      await dead.until(1);
      await lab.cut(a);
      const told = receipts(await waiting);
      ok(told.includes("UNAVAILABLE maybe"), "the parcel that waited may be there");
      ok(!told.includes("ok"), "no receipt had come");
      const alive = await Reader.open(lab, b, queue);
      deepEqual(
        new Set(receipts(await p.publish(keys.map((key) => message(queue, key))))),
        new Set(["ok"]),
      );
      await alive.until(24);
    }));

  test("an exclusive member has everything in one order, until it leaves", () =>
    inLab(async (lab, env) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const one = await Reader.open(lab, a, topic, "g", { exclusive: true });
      await sleep(env, 5);
      const two = await Reader.open(lab, b, topic, "g", { exclusive: true });
      await p.publish(["1", "2", "3"].map((text) => message(topic, `k${text}`, text)));
      await one.until(3);
      deepEqual(one.texts, ["1", "2", "3"]);
      await one.consumer.close();
      await p.publish([message(topic, "k", "4")]);
      await two.until(1);
      deepEqual(two.texts, ["4"]);
    }));

  test("each of those on their own has all messages in their order, at its own pace", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      const slow = await Reader.open(lab, a, topic, undefined, { settles: false, prefetch: 1 });
      const fast = await Reader.open(lab, b, topic);
      const texts = Array.from({ length: 20 }, (_, i) => String(i));
      await p.publish(texts.map((text) => message(topic, `k${Number(text) % 3}`, text)));
      await fast.until(20);
      deepEqual(fast.texts, texts);
      for (let had = 1; had <= 20; had++) {
        await slow.until(had);
        await slow.had[had - 1]!.ack();
      }
      deepEqual(slow.texts, texts);
    }));

  test("a consumer that goes while another one comes in the same process is gone for this process too", () =>
    inLab(async (lab) => {
      const a = lab.open();
      const first = await Reader.open(lab, a, queue);
      const [second] = await Promise.all([Reader.open(lab, a, queue), first.consumer.close()]);
      await a.publish(Array.from({ length: 24 }, (_, i) => message(queue, `k${i}`)));
      await second.until(24);
      deepEqual(first.had, []);
      await lab.told(); // it settles after it has taken
      equal((await a.lag(queue, undefined)).waiting, 0);
    }));

  test("to one group alone", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const [g, h] = [await Reader.open(lab, a, topic, "g"), await Reader.open(lab, a, topic, "h")];
      const results = await p.publish([
        { ...message(topic, "k", "1"), to: "g" },
        { ...message(topic, "k", "2"), to: "nobody" },
      ]);
      deepEqual(receipts(results), ["ok", "UNAVAILABLE no"]);
      await g.until(1);
      deepEqual([g.texts, h.texts], [["1"], []]);
    }));

  test("what has expired is not delivered", () =>
    inLab(async (lab, env) => {
      const [a, p] = [lab.open(), lab.open()];
      const reader = await Reader.open(lab, a, queue, undefined, { settles: false, prefetch: 1 });
      const expirytime = new Date(env.wall() + 1_000).toISOString();
      await p.publish([
        message(queue, "k", "1"),
        message(queue, "k", "2", { attributes: { expirytime } }),
        message(queue, "k", "3"),
      ]);
      await reader.until(1);
      await sleep(env, 1_000);
      await reader.had[0]!.ack();
      await reader.until(2);
      deepEqual(reader.texts, ["1", "3"]);
    }));

  test("a reply reaches the box of who asked; where who asked is gone nobody minds", () =>
    inLab(async (lab) => {
      const [asker, answerer] = [lab.open(), lab.open()];
      const heard: Envelope[] = [];
      const box = await asker.replies({ name: undefined }, (envelope) => void heard.push(envelope));
      const { envelope } = message(topic, undefined, "yes");
      await answerer.reply(box.address, envelope);
      deepEqual(
        heard.map(({ id }) => id),
        [envelope.id],
      );
      await box.close();
      await answerer.reply(box.address, envelope);
      await asker.close();
      await answerer.reply(box.address, envelope);
      equal(heard.length, 1);
      const dead = lab.open();
      const lost = await dead.replies({ name: undefined }, () => {});
      await lab.told();
      await lab.cut(dead);
      const replied = answerer.reply(lost.address, envelope);
      lab.registry.forget(/^direct:(.*)\//.exec(lost.address)![1]!);
      await replied;
      await rejects(answerer.reply("tcp://10.0.0.1:80/x", envelope), { code: "INVALID_ARGUMENT" });
    }));

  test("how much a group has is known over all its members", () =>
    inLab(async (lab) => {
      const [a, b, p] = [lab.open(), lab.open(), lab.open()];
      for (const each of [a, b]) await Reader.open(lab, each, topic, "g", { settles: false });
      await p.publish(Array.from({ length: 30 }, (_, i) => message(topic, `k${i}`)));
      equal((await p.lag(topic, "g")).waiting, 30);
      equal((await p.lag(topic, "h")).waiting, 0);
    }));

  test("what it takes a store for is refused", () =>
    inLab(async (lab) => {
      const p = lab.open();
      for (const asks of [
        { guarantee: "at-least-once" },
        { enqueued: "stored" },
        { retentionMs: 1_000 },
        { compacted: true },
        { priorityMax: 3 },
      ] as const)
        await rejects(p.declare([channel({ ...queue, ...asks })]), { code: "UNIMPLEMENTED" });
      const late = await p.publish([{ ...message(topic, "k"), notBefore: 5 }]);
      deepEqual(receipts(late), ["UNIMPLEMENTED no"]);
      const terms = { channel: topic, group: "g", prefetch: 1 };
      await rejects(
        p.consume({ ...terms, from: "first" }, () => {}),
        { code: "UNIMPLEMENTED" },
      );
      await rejects(p.browse(), { code: "UNIMPLEMENTED" });
      await rejects(p.reset(), { code: "UNIMPLEMENTED" });
      await rejects(
        p.replies({ name: "kept" }, () => {}),
        { code: "UNIMPLEMENTED" },
      );
    }));

  test("a registry that does not answer keeps nobody from publishing to those who are known", () =>
    inLab(async (lab) => {
      const [a, p] = [lab.open(), lab.open()];
      const reader = await Reader.open(lab, a, queue);
      await p.publish([message(queue, "k", "1")]);
      lab.registry.interrupt();
      deepEqual(receipts(await p.publish([message(queue, "k", "2")])), ["ok"]);
      await reader.until(2);
      await rejects(Reader.open(lab, lab.open(), queue), { code: "UNAVAILABLE" });
      lab.registry.restore();
    }, 500));
});
