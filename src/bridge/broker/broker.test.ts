import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { sleep } from "../../base/alarm.ts";
import { isTrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Delivery } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { unix } from "../../transport/unix/index.ts";
import { messageBytesMax } from "./bounds.ts";
import { ServedConsumer } from "./served-consumer.ts";
import { line, readSheet, writeSheet } from "./sheet.ts";
import type { Told } from "./telling.ts";
import { BrokerLab } from "./testing/lab.ts";

const work: Channel = channel({ name: "work", shape: "queue", ordered: true, shards: 2 });

function envelope(text: string, subject?: string): Envelope {
  return {
    id: text,
    type: "test.said",
    source: "/test",
    subject,
    time: 0,
    contentType: "text/plain",
    attributes: {},
    data: Buffer.from(text),
  };
}

function labIn(env: VirtualEnv): BrokerLab {
  return new BrokerLab(rsocket(memory(new MemoryNames())), "memory:broker", env);
}

suite("a broker over a connection", () => {
  test("what is published one by one, without waiting, arrives in that order, large and small", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const [a, b] = [await lab.open(), await lab.open()];
    await a.declare([work]);
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    await b.consume({ channel: work, group: undefined, prefetch: 1_000 }, (batch) => {
      for (const each of batch) {
        heard.push(each.envelope.id);
        void each.ack();
      }
      if (heard.length === 40) all.resolve();
    });
    const given = Array.from({ length: 40 }, (_, index) => ({
      channel: work,
      envelope: {
        ...envelope(String(index), "key"),
        data: Buffer.alloc(index % 3 === 0 ? 600_000 : 10),
      },
    }));
    const receipts = await Promise.all(given.map((each) => a.publish([each])));
    ok(receipts.every(([outcome]) => !isTrunklineError(outcome)));
    await all.promise;
    deepEqual(
      heard,
      given.map(({ envelope: { id } }) => id),
    );
    await Promise.all([a.close(), b.close()]);
    await lab.close();
    equal(env.alarms, 0);
  });

  test("a lost connection fences what came by it, tells of its shards, and loses no message", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    await broker.declare([work]);
    const held: Delivery[] = [];
    const lost: string[] = [];
    let came = Promise.withResolvers<void>();
    const consumer = await broker.consume(
      { channel: work, group: undefined, prefetch: 10, lost: (shard) => lost.push(shard) },
      (batch) => {
        held.push(...batch);
        came.resolve();
      },
    );
    await broker.publish([{ channel: work, envelope: envelope("one", "key") }]);
    await came.promise;
    came = Promise.withResolvers();
    await lab.cut();
    await came.promise;
    deepEqual(lost.toSorted(), ["0", "1"]);
    deepEqual(
      held.map(({ envelope: { id }, attempt }) => [id, attempt]),
      [
        ["one", 1],
        ["one", 2],
      ],
    );
    await held[1]!.ack();
    const late = await held[0]!.ack().catch((error: unknown) => error);
    ok(isTrunklineError(late) && late.gate === "fenced" && late.executed === "maybe");
    equal((await broker.lag(work, undefined)).waiting, 0);
    deepEqual([...consumer.shards].toSorted(), ["0", "1"]);
    await broker.close();
    await lab.close();
    equal(env.alarms, 0);
  });

  test("a reply box keeps its address over a lost connection, and a durable one misses nothing", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    const heard: string[] = [];
    const told = new Map<string, () => void>();
    const until = (id: string): Promise<void> =>
      heard.includes(id) ? Promise.resolve() : new Promise((resolve) => told.set(id, resolve));
    const hear = ({ id }: Envelope): void => {
      heard.push(id);
      told.get(id)?.();
    };
    const once = await broker.replies({ name: undefined }, hear);
    const kept = await broker.replies({ name: "asker" }, hear);
    const local = lab.local();
    await local.reply(kept.address, envelope("before"));
    await until("before");
    const { address } = once;
    await lab.cut();
    await local.reply(kept.address, envelope("meanwhile"));
    await until("meanwhile");
    await sleep(env, 1_000); // it may come back a little later than the other one
    await local.reply(address, envelope("to the transient one"));
    await until("to the transient one");
    equal(once.address, address);
    deepEqual(heard, ["before", "meanwhile", "to the transient one"]);
    await broker.close();
    await lab.close();
    equal(env.alarms, 0);
  });

  test("a consumer that says what cannot be read is ended with a word, and its messages come to others", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = lab.local();
    await broker.declare([work]);
    await broker.publish([{ channel: work, envelope: envelope("one", "key") }]);
    const head = { channel: work, user: "odd", prefetch: 5, revoking: false };
    const odd = [null, 7, { ask: "ack", n: 1, outputs: 5 }, { ask: "ack", n: 1, outputs: [{}] }];
    for (const what of odd) {
      const consumer = new ServedConsumer(env);
      await consumer.begin(lab.local(), head);
      const said = async function* (): AsyncGenerator<Uint8Array> {
        await sleep(env, 10); // the delivery has come by then
        yield writeSheet([line(what)]);
        await sleep(env, 60_000);
      };
      const told: unknown[] = [];
      const read = async (): Promise<void> => {
        for await (const sheet of consumer.tell(said(), new AbortController().signal))
          for (const each of readSheet(sheet)) told.push(each.what);
      };
      const error = await read().then(
        () => undefined,
        (each: unknown) => each,
      );
      const refused = told.some((each) => (each as Partial<Told> & { error?: unknown }).error);
      ok(refused || isTrunklineError(error), JSON.stringify(what));
      equal((await broker.lag(work, undefined)).waiting, 1);
      await consumer.close();
    }
    await lab.close();
  });

  test("a broker that is closed ends its consumers at once, and whoever serves it need not wait for them", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    await broker.declare([work]);
    const lost = Promise.withResolvers<string>();
    await broker.consume(
      { channel: work, group: undefined, prefetch: 5, lost: (shard) => lost.resolve(shard) },
      () => {},
    );
    const before = env.now();
    await lab.close();
    ok(env.now() - before < 100, `${env.now() - before} ms`);
    await lost.promise;
    await broker.close();
    equal(env.alarms, 0);
  });

  test("a consumer is closed at once though its broker is gone", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    await broker.declare([work]);
    const consumer = await broker.consume(
      { channel: work, group: undefined, prefetch: 5 },
      () => {},
    );
    await lab.close();
    await sleep(env, 20_000);
    const before = env.now();
    await consumer.close();
    equal(env.now() - before < 1_000, true);
    await broker.close();
    equal(env.alarms, 0);
  });

  test("when nobody answers, opening says so, and nothing stays behind", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    await lab.close();
    const [outcome] = await broker.publish([{ channel: work, envelope: envelope("lost") }]);
    ok(isTrunklineError(outcome) && outcome.executed === "no" && outcome.code === "UNAVAILABLE");
    await broker.close();
    equal(env.alarms, 0);
  });

  test("the largest message passes, in both directions", async () => {
    const env = new VirtualEnv();
    const lab = labIn(env);
    await lab.start();
    const broker = await lab.open();
    await broker.declare([work]);
    const data = new Uint8Array(messageBytesMax).fill(7);
    const came = Promise.withResolvers<Delivery>();
    await broker.consume({ channel: work, group: undefined, prefetch: 1 }, ([first]) =>
      came.resolve(first!),
    );
    const [receipt] = await broker.publish([
      { channel: work, envelope: { ...envelope("large"), data } },
    ]);
    ok(!isTrunklineError(receipt));
    ok(Buffer.from((await came.promise).envelope.data).equals(data));
    const waiting = await broker.browse(work, undefined, 10);
    equal(waiting[0]!.data.byteLength, messageBytesMax);
    await broker.close();
    await lab.close();
  });

  test("over a socket of this host", async (context: TestContext) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-broker-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const env = realEnv();
    const lab = new BrokerLab(rsocket(unix()), `unix:${folder}/b.sock`, env);
    await lab.start();
    const broker = await lab.open();
    await broker.declare([work]);
    const done = Promise.withResolvers<void>();
    let left = 5_000;
    await broker.consume({ channel: work, group: undefined, prefetch: 500 }, (batch) => {
      for (const each of batch) void each.ack().then(() => --left === 0 && done.resolve());
    });
    const messages = Array.from({ length: 5_000 }, (_, index) => ({
      channel: work,
      envelope: envelope(String(index), `k${index % 100}`),
    }));
    const outcomes = await broker.publish(messages);
    ok(outcomes.every((each) => !isTrunklineError(each)));
    await done.promise;
    equal((await broker.lag(work, undefined)).waiting, 0);
    await broker.close();
    await lab.close();
  });
});

suite("a sheet", () => {
  test("is read as it was written", () => {
    const data = [Buffer.from("ä"), new Uint8Array(0)];
    const said = readSheet(writeSheet([line({ a: "€" }, data), line("b")]));
    deepEqual(
      said.map(({ what }) => what),
      [{ a: "€" }, "b"],
    );
    deepEqual(
      said[0]!.data.map((each) => Buffer.from(each).toString()),
      ["ä", ""],
    );
  });

  test("that was damaged is refused, whatever was done to it", () => {
    const sheet = Buffer.from(writeSheet([line({ a: 1 }, [Buffer.from("data")])]));
    for (let length = 0; length < sheet.byteLength; length++)
      throws(() => readSheet(sheet.subarray(0, length)), { code: "INVALID_ARGUMENT" });
    throws(() => readSheet(Buffer.concat([sheet, Buffer.from("x")])), { code: "INVALID_ARGUMENT" });
    const text = (json: string): Buffer => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(json.length);
      return Buffer.concat([prefix, Buffer.from(json)]);
    };
    for (const json of ["{}", "[1]", "[[1,-1]]", '[[1,"x"]]', "null", "[[1,1e9]]"])
      throws(() => readSheet(text(json)), { code: "INVALID_ARGUMENT" });
  });
});
