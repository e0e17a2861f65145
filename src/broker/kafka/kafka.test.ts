import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { inspect } from "node:util";
import { Producer as TheirProducer } from "@platformatic/kafka";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownKafka, kafka as server, type OwnKafka } from "../../../scripts/servers/kafka.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Broker, Outgoing, Subscription } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import { openMax } from "./completion.ts";
import { kafka } from "./index.ts";
import { env, envelope, Heard, pausable, textOf } from "./testing/heard.ts";

const timeout = 60_000;

suite("Kafka itself", { skip: missing(server) ?? false }, () => {
  let own: OwnKafka;
  let names = 0;
  const open = (name = "test", of: Env = env): Promise<Broker> =>
    kafka().open(`kafka://127.0.0.1:${own.node.port}`, { name, waitMs: 30_000 }, of);
  const named = (terms: Partial<Channel> = {}): Channel =>
    channel({ shape: "queue", shards: 1, ...terms, name: `own.${++names}` });
  const say = (to: Channel, texts: readonly string[], subject?: string): Outgoing[] =>
    texts.map((text) => ({ channel: to, envelope: envelope(text, { subject }) }));

  before(async () => {
    own = await ownKafka({ settings: { "group.consumer.session.timeout.ms": 3_000 } });
  });
  after(() => own[Symbol.asyncDispose]());

  test(
    "who stands still is put out: its commits fail, and its outputs are never seen",
    { timeout },
    async () => {
      const [from, to] = [named(), named()];
      const still = pausable();
      await using first = await open("first", still.env);
      await using second = await open("second");
      await second.declare([from, to]);
      const [held, taken, outputs] = [new Heard(), new Heard(), new Heard()];
      const lost = Promise.withResolvers<string>();
      await first.consume(
        { channel: from, group: undefined, prefetch: 10, lost: lost.resolve },
        held.take,
      );
      await second.publish(say(from, ["a", "b"]));
      const [a, b] = await held.count(2);
      still.stop();
      await second.consume({ channel: from, group: undefined, prefetch: 10 }, taken.take);
      await taken.count(2);
      // It counts what the other had begun.
      deepEqual(
        taken.all.map(({ attempt, redelivered }) => [attempt, redelivered]),
        [
          [2, true],
          [2, true],
        ],
      );
      ok(taken.all[0]!.generation > a!.generation);
      still.go();
      const fencedBy = (error: unknown): boolean => {
        ok(isTrunklineError(error));
        deepEqual([error.code, error.executed, error.gate], ["UNAVAILABLE", "maybe", "fenced"]);
        return true;
      };
      await rejects(a!.ack(), fencedBy);
      await rejects(
        b!.ack([{ channel: to, envelope: envelope("of the one that stood still") }]),
        fencedBy,
      );
      equal(await lost.promise, a!.shard);
      await second.consume({ channel: to, group: undefined, prefetch: 10 }, outputs.take);
      await taken.all[0]!.ack([{ channel: to, envelope: envelope("of the other") }]);
      await taken.all[1]!.ack();
      await outputs.count(1);
      deepEqual(outputs.all.map(textOf), ["of the other"]);
    },
  );

  test("what was done out of order stays done for whoever comes next", { timeout }, async () => {
    const queue = named();
    await using broker = await open();
    await broker.declare([queue]);
    const [first, second] = [new Heard(), new Heard()];
    const consumer = await broker.consume(
      { channel: queue, group: undefined, prefetch: 100 },
      first.take,
    );
    await broker.publish(
      say(
        queue,
        Array.from({ length: 20 }, (_, i) => `${i}`),
      ),
    );
    await first.count(20);
    await Promise.all(first.all.filter((_, at) => at % 3 !== 1).map((delivery) => delivery.ack()));
    await first.all[4]!.release();
    await first.count(21);
    await consumer.close();
    equal((await broker.lag(queue, undefined)).waiting, 7);
    deepEqual(
      (await broker.browse(queue, undefined, 3)).map(({ data }) => Buffer.from(data).toString()),
      ["1", "4", "7"],
    );
    await broker.consume({ channel: queue, group: undefined, prefetch: 100 }, second.take);
    await broker.publish(say(queue, ["last"]));
    await second.until((all) => all.some((each) => textOf(each) === "last"));
    deepEqual(
      second.all.map((each) => [textOf(each), each.attempt]),
      [
        ["1", 2],
        ["4", 3],
        ["7", 2],
        ["10", 2],
        ["13", 2],
        ["16", 2],
        ["19", 2],
        ["last", 1],
      ],
    );
  });

  test(
    "handlers that run while members come and go are waited for, and nothing is done twice",
    { timeout },
    async () => {
      const queue = named({ shards: 6, ordered: true });
      await using one = await open("one");
      await using two = await open("two");
      await one.declare([queue]);
      const done = new Map<string, number>();
      const failed: unknown[] = [];
      const finished = Promise.withResolvers<void>();
      const total = 3_000;
      // A member that goes waits for the handlers of the shard.
      const consume = async (broker: Broker): Promise<() => Promise<void>> => {
        const running = new Map<string, Set<Promise<void>>>();
        const terms: Subscription = {
          channel: queue,
          group: undefined,
          prefetch: 50,
          revoking: async (shard) => void (await Promise.all([...(running.get(shard) ?? [])])),
        };
        const consumer = await broker.consume(terms, (batch) => {
          for (const delivery of batch) {
            const of = running.get(delivery.shard) ?? new Set<Promise<void>>();
            running.set(delivery.shard, of);
            const work = new Promise<void>((resolve) => env.yield(resolve))
              .then(() => delivery.ack())
              .then(() => {
                const text = textOf(delivery);
                done.set(text, (done.get(text) ?? 0) + 1);
                if (done.size === total) finished.resolve();
              })
              .catch((error: unknown) => void failed.push(error))
              .finally(() => of.delete(work));
            of.add(work);
          }
        });
        return async () => {
          await Promise.all([...running.values()].flatMap((each) => [...each]));
          await consumer.close();
        };
      };
      await consume(one);
      for (let at = 0; at < total; at += 500) {
        await one.publish(
          Array.from({ length: 500 }, (_, i) => ({
            channel: queue,
            envelope: envelope(`${at + i}`, { subject: `k${i % 60}` }),
          })),
        );
        if (at === 500) await consume(two);
        if (at === 1_500) await consume(two);
      }
      await finished.promise;
      deepEqual(failed, []);
      deepEqual(
        [...done.values()].filter((times) => times !== 1),
        [],
      );
    },
  );

  test(
    "no more of a partition is open than what its metadata has room for",
    { timeout },
    async () => {
      const queue = named();
      await using broker = await open();
      await broker.declare([queue]);
      const heard = new Heard();
      const consumer = await broker.consume(
        { channel: queue, group: undefined, prefetch: 5_000 },
        heard.take,
      );
      await broker.publish(
        say(
          queue,
          Array.from({ length: openMax + 200 }, (_, i) => `${i}`),
        ),
      );
      await heard.count(openMax);
      // Every other one, so that nothing can be said shortly.
      await Promise.all(
        heard.all.filter((_, at) => at % 2 === 1).map((delivery) => delivery.ack()),
      );
      await heard.count(openMax + 200);
      await consumer.close();
      const again = new Heard();
      await broker.consume({ channel: queue, group: undefined, prefetch: 5_000 }, again.take);
      await again.count(openMax / 2 + 200);
      ok(again.all.every(({ attempt }) => attempt === 2));
    },
  );

  test(
    "records of other clients come as envelopes, and what says that it is an event and is none is malformed",
    { timeout },
    async () => {
      const topic = named({ shape: "topic" });
      await using broker = await open();
      await broker.declare([topic]);
      const heard = new Heard();
      await broker.consume({ channel: topic, group: "g", prefetch: 10 }, heard.take);
      const theirs = new TheirProducer({
        clientId: "theirs",
        bootstrapBrokers: [`127.0.0.1:${own.node.port}`],
      });
      const event = {
        specversion: "1.0",
        id: "7",
        source: "/x",
        type: "t",
        subject: "s",
        data: { a: 1 },
      };
      const send = (value: string, headers: Record<string, string> = {}): Promise<unknown> =>
        theirs.send({
          messages: [
            {
              topic: topic.name,
              partition: 0,
              key: Buffer.from("key"),
              value: Buffer.from(value),
              headers: new Map(
                Object.entries(headers).map(([k, v]) => [Buffer.from(k), Buffer.from(v)]),
              ),
            },
          ],
        });
      await send("plain", { color: "red", "Not-An-Attribute": "x" });
      await send(JSON.stringify(event), {
        "content-type": "application/cloudevents+json; charset=utf-8",
      });
      await send("{", { "content-type": "application/cloudevents+json" });
      await send("x", { ce_specversion: "1.0", ce_id: "8" });
      await send("x", { ce_specversion: "0.3", ce_id: "8", ce_source: "/x", ce_type: "t" });
      await theirs.close();
      const [plain, structured, ...wrong] = await heard.count(5);
      equal(plain!.malformed, undefined);
      deepEqual(
        [plain!.envelope.type, plain!.envelope.subject, plain!.envelope.attributes, textOf(plain!)],
        [topic.name, "key", { color: "red" }, "plain"],
      );
      deepEqual(
        [
          structured!.malformed,
          structured!.envelope.id,
          structured!.envelope.contentType,
          textOf(structured!),
        ],
        [undefined, "7", "application/json", '{"a":1}'],
      );
      deepEqual(
        wrong.map(({ malformed }) => malformed),
        ["it is not JSON", "it has no type", 'its specversion is "0.3", not 1.0'],
      );
      for (const delivery of heard.all) await delivery.ack();
    },
  );

  test("a compacted channel takes back what has no data any more", { timeout }, async () => {
    const topic = named({ shape: "topic", compacted: true });
    await using broker = await open();
    deepEqual(await broker.declare([topic]), []);
    const heard = new Heard();
    await broker.publish([...say(topic, ["kept"], "k"), ...say(topic, [""], "k")]);
    await broker.consume({ channel: topic, group: "g", prefetch: 10, from: "first" }, heard.take);
    await heard.count(2);
    deepEqual(heard.all.map(textOf), ["kept", ""]);
    equal(heard.all[1]!.envelope.subject, "k");
    const drifts = await broker.declare([{ ...topic, compacted: false, retentionMs: 1_000 }]);
    deepEqual(
      drifts.map(({ what }) => what),
      [`topic ${topic.name}: retention.ms`],
    );
  });

  test(
    "one member alone consumes where that is asked for, and the next one when it goes",
    { timeout },
    async () => {
      const queue = named({ shards: 3 });
      await using broker = await open();
      await using other = await open();
      await broker.declare([queue]);
      const [first, second] = [new Heard(), new Heard()];
      const terms: Subscription = {
        channel: queue,
        group: undefined,
        prefetch: 10,
        exclusive: true,
      };
      const consumer = await broker.consume(terms, first.take);
      await other.consume(terms, second.take);
      for (let at = 0; at < 6; at++) await broker.publish(say(queue, [`${at}`], `k${at}`));
      await first.count(6);
      equal(second.all.length, 0);
      await Promise.all(first.all.map((each) => each.ack()));
      await consumer.close();
      await broker.publish(say(queue, ["next"], "k"));
      await second.count(1);
      deepEqual(second.all.map(textOf), ["next"]);
    },
  );

  test(
    "what is published while the server stands still, or is started again, is there once and in order",
    { timeout },
    async () => {
      const queue = named({ ordered: true });
      await using broker = await open();
      await broker.declare([queue]);
      const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
      const heard = new Heard();
      await broker.consume({ channel: queue, group: undefined, prefetch: 1_000 }, heard.take);
      const publish = async (from: number): Promise<void> => {
        for (let at = from; at < from + 100; at += 10)
          for (const outcome of await broker.publish(say(queue, texts.slice(at, at + 10), "k")))
            ok(!isTrunklineError(outcome), inspect(outcome));
      };
      await publish(0);
      own.server.freeze();
      const second = publish(100);
      await new Promise<void>((resolve) => env.yield(resolve));
      own.server.thaw();
      await second;
      await own.server.kill();
      const third = publish(200);
      await own.server.restart();
      await third;
      await heard.until((all) => all.some((each) => textOf(each) === "299"));
      deepEqual([...new Set(heard.all.map(textOf))], texts);
      deepEqual(
        heard.all.filter(({ attempt }) => attempt === 1).map(textOf),
        texts,
        "a message is there twice",
      );
    },
  );

  test(
    "outputs that can go nowhere are refused, and their message can still be settled",
    { timeout },
    async () => {
      const [from, nowhere] = [named(), named()];
      await using broker = await open();
      await broker.declare([from]);
      const heard = new Heard();
      await broker.consume({ channel: from, group: undefined, prefetch: 10 }, heard.take);
      await broker.publish(say(from, ["work"]));
      const [delivery] = await heard.count(1);
      await rejects(delivery!.ack(say(nowhere, ["lost"])), (error: unknown) => {
        ok(isTrunklineError(error));
        deepEqual([error.code, error.executed, error.gate], ["UNAVAILABLE", "no", undefined]);
        return true;
      });
      await delivery!.ack();
      equal((await broker.lag(from, undefined)).waiting, 0);
    },
  );
});
