import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { writeProperties } from "../../wire/amqp091/properties.ts";
import type { ConsumerTerms, Handed, LogStart, QueueConsumer } from "./consumer.ts";
import type { Message } from "./message.ts";
import { Node } from "./node.ts";
import { Refusal } from "./refusal.ts";
import { queueTerms, type QueueTerms } from "./terms.ts";
import { ModelStorage } from "./testing/model-storage.ts";
import type { VirtualHost } from "./virtual-host.ts";

class Reader implements ConsumerTerms {
  readonly tag = "reader";
  readonly user = "someone";
  readonly noAck: boolean;
  readonly exclusive = false;
  readonly from: LogStart;
  readonly handed: Handed[] = [];
  free: number;
  gone: string | undefined;
  consumer: QueueConsumer | undefined;

  constructor(from: LogStart, free: number = Infinity, noAck: boolean = true) {
    this.from = from;
    this.free = free;
    this.noAck = noAck;
  }

  room(): number {
    return this.free;
  }

  deliver(handed: Handed): void {
    this.free--;
    this.handed.push(handed);
  }

  cancelled(reason: string): void {
    this.gone = reason;
  }

  get offsets(): number[] {
    return this.handed.map(({ seq }) => seq);
  }

  get texts(): string[] {
    return this.handed.map(({ message }) => Buffer.from(message.body).toString());
  }
}

class Stand {
  readonly env = new VirtualEnv();
  #storage = new ModelStorage(this.env);
  #node = new Node(this.#storage, this.env);

  get host(): VirtualHost {
    return this.#node.host("/");
  }

  declare(more: Partial<QueueTerms> = {}): void {
    this.host.declareQueue(queueTerms({ name: "log", kind: "log", ...more }));
  }

  publish(text: string, more: { key?: string; notBefore?: number } = {}): void {
    const message: Message = {
      ...{ exchange: "", routingKey: "log", properties: writeProperties({}), persistent: true },
      ...{ body: Buffer.from(text), priority: 0, expirationMs: undefined, key: more.key },
    };
    this.host.publishTo("log", message, more.notBefore);
  }

  publishMany(count: number): void {
    for (let index = 0; index < count; index++) this.publish(`${index}`);
  }

  read(from: LogStart, free?: number, noAck?: boolean): Reader {
    const reader = new Reader(from, free, noAck);
    reader.consumer = this.host.consume("log", reader);
    return reader;
  }

  /** Lets everything happen that can; time goes on by so much. */
  async settle(ms: number = 1): Promise<void> {
    await sleep(this.env, ms);
  }

  async restart(): Promise<void> {
    await this.#storage.until(this.#storage.batch);
    this.#storage = new ModelStorage(this.env, { image: this.#storage.crash() });
    this.#node = new Node(this.#storage, this.env);
  }
}

suite("a log", () => {
  test("gives each reader all of it, in order, from offset 0 on", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(3);
    const early = stand.read("first");
    await stand.settle();
    stand.publish("3");
    const late = stand.read("first");
    await stand.settle();
    for (const { offsets, texts } of [early, late]) {
      assert.deepEqual(offsets, [0, 1, 2, 3]);
      assert.deepEqual(texts, ["0", "1", "2", "3"]);
    }
    assert.equal(stand.host.queue("log")?.count, 4);
  });

  test("begins where a reader says", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(5);
    await stand.settle(1_000);
    const since = stand.env.wall();
    stand.publish("5");
    const starts: readonly [LogStart, readonly number[]][] = [
      ["first", [0, 1, 2, 3, 4, 5, 6]],
      ["last", [5, 6]],
      ["next", [6]],
      [3, [3, 4, 5, 6]],
      [{ time: since }, [5, 6]],
      [{ time: 0 }, [0, 1, 2, 3, 4, 5, 6]],
      [{ time: since + 1 }, [6]],
    ];
    const readers = starts.map(([from]) => stand.read(from));
    await stand.settle();
    stand.publish("6");
    await stand.settle();
    for (const [index, [from, offsets]] of starts.entries())
      assert.deepEqual(readers[index]!.offsets, offsets, JSON.stringify(from));
  });

  test("hands a reader no more than it has room for, and more when it wakes", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(1_000);
    const reader = stand.read("first", 3, false);
    await stand.settle();
    assert.equal(reader.handed.length, 3);
    for (const handed of [...reader.handed]) {
      reader.free++;
      assert.equal(reader.consumer?.ack(handed), true);
      assert.equal(reader.consumer?.ack(handed), false);
    }
    await stand.settle();
    assert.equal(stand.host.queue("log")?.unsettled, 3);
    reader.free = Infinity;
    reader.consumer?.wake();
    await stand.settle();
    assert.deepEqual(
      reader.offsets,
      Array.from({ length: 1_000 }, (_, offset) => offset),
    );
  });

  test("is read without a gap while it is written, however fast its readers are", async () => {
    const seed = 11;
    const random = seededRandom(seed);
    const stand = new Stand();
    stand.declare();
    const readers: Reader[] = [];
    for (let step = 0; step < 400; step++) {
      stand.publishMany(Math.floor(random() * 20));
      if (random() < 0.05) readers.push(stand.read("first", Math.floor(random() * 100)));
      for (const reader of readers) {
        reader.free += Math.floor(random() * 20);
        if (random() < 0.5) reader.consumer?.wake();
      }
      if (random() < 0.5) await stand.settle();
    }
    for (const reader of readers) {
      reader.free = Infinity;
      reader.consumer?.wake();
    }
    await stand.settle();
    const count = stand.host.queue("log")!.count;
    for (const { offsets } of readers)
      assert.deepEqual(
        offsets,
        Array.from({ length: count }, (_, offset) => offset),
        `seed ${seed}`,
      );
  });

  test("is there after the process has died, and goes on with its offsets", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(3);
    await stand.restart();
    stand.publish("3");
    const reader = stand.read("first");
    await stand.settle();
    assert.deepEqual(reader.offsets, [0, 1, 2, 3]);
    assert.equal(stand.host.queue("log")?.count, 4);
  });

  test("keeps what a consumer does not want, and does not hand it out", async () => {
    const stand = new Stand();
    stand.declare();
    const reader = new Reader("first");
    const wants = ({ body }: Message) => body[0] !== "1".charCodeAt(0);
    stand.host.consume("log", Object.assign(reader, { wants }));
    stand.publishMany(3);
    await stand.settle();
    assert.deepEqual(reader.texts, ["0", "2"]);
    assert.equal(stand.host.queue("log")?.count, 3);
  });

  test("tells its readers when it is gone, and forgets all", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(3);
    const reader = stand.read("next");
    stand.host.deleteQueue("log");
    assert.equal(reader.gone, "queue 'log' in vhost '/' was deleted");
    stand.declare();
    const again = stand.read("first");
    stand.publish("new");
    await stand.settle();
    assert.deepEqual(again.texts, ["new"]);
    assert.deepEqual(again.offsets, [0]);
  });

  test("cannot be taken from as a queue can", async () => {
    const stand = new Stand();
    stand.declare();
    await assert.rejects(stand.host.take("log"), Refusal);
  });

  test("forgets all when it is purged, and goes on with its offsets", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(3);
    assert.equal(stand.host.purge("log"), 3);
    stand.publish("new");
    const reader = stand.read("first");
    await stand.settle();
    assert.deepEqual(reader.offsets, [3]);
    assert.equal(stand.host.queue("log")?.count, 1);
  });

  test("holds a message back until its time, and then it is the newest", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publish("later", { notBefore: stand.env.wall() + 5_000 });
    stand.publish("now");
    const reader = stand.read("first");
    await stand.settle(4_000);
    assert.deepEqual(reader.texts, ["now"]);
    assert.equal(stand.host.queue("log")?.held, 1);
    await stand.restart();
    const again = stand.read("first");
    await stand.settle(2_000);
    assert.deepEqual(again.texts, ["now", "later"]);
    assert.deepEqual(again.offsets, [0, 1]);
    assert.equal(stand.host.queue("log")?.held, 0);
  });
});

suite("what a log keeps", () => {
  test("is as many messages as its bound, and reading from further back begins there", async () => {
    const stand = new Stand();
    stand.declare({ lengthMax: 1_000 });
    stand.publishMany(1_505);
    const reader = stand.read(3);
    await stand.settle();
    assert.equal(reader.offsets[0], 505);
    assert.equal(reader.offsets.length, 1_000);
    const { count } = stand.host.queue("log")!;
    assert.ok(count >= 1_000 && count <= 1_010, `${count}`);
  });

  test("is about as many bytes as its bound, and the newest message whatever its size", async () => {
    const stand = new Stand();
    stand.declare({ bytesMax: 10_000 });
    for (let index = 0; index < 300; index++) stand.publish("x".repeat(95));
    const { bytes, count } = stand.host.queue("log")!;
    assert.ok(bytes <= 10_100 && count > 90, `${bytes} bytes in ${count}`);
    stand.publish("x".repeat(50_000));
    const reader = stand.read("first");
    await stand.settle();
    assert.deepEqual(reader.offsets, [300]);
  });

  test("is as old as its bound; nobody gets what is older, and then it goes", async () => {
    const stand = new Stand();
    stand.declare({ retentionMs: 60_000 });
    stand.publish("old");
    await stand.settle(30_000);
    stand.publish("younger");
    await stand.settle(40_000);
    const reader = stand.read("first");
    await stand.settle();
    assert.deepEqual(reader.texts, ["younger"]);
    stand.publish("new");
    await stand.settle();
    assert.equal(stand.host.queue("log")?.count, 2);
  });

  test("is less at once when its terms say so", async () => {
    const stand = new Stand();
    stand.declare();
    stand.publishMany(100);
    const log = stand.host.queue("log")!;
    log.terms = { ...log.terms, lengthMax: 10 };
    assert.equal(log.count, 10);
  });

  test("is of a compacted log the newest message of each key", async () => {
    const stand = new Stand();
    stand.declare({ compacted: true });
    for (let round = 0; round < 3; round++)
      for (const key of ["a", "b"]) stand.publish(`${key}${round}`, { key });
    stand.publish("c0", { key: "c" });
    const reader = stand.read("first");
    await stand.settle();
    assert.deepEqual(reader.texts, ["a2", "b2", "c0"]);
    stand.publish("a3", { key: "a" });
    await stand.settle();
    assert.deepEqual(reader.texts, ["a2", "b2", "c0", "a3"]);
  });
});
