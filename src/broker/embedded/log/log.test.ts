import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { seededRandom } from "../../../base/random.ts";
import type { LogStart } from "../consumer.ts";
import type { Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import type { QueueTerms } from "../terms.ts";
import { type Hearing, NodeBench, textOf } from "../testing/bench.ts";

function declare(bench: NodeBench, more: Partial<QueueTerms> = {}): void {
  bench.queue("log", { kind: "log", ...more });
}

function publishMany(bench: NodeBench, count: number): void {
  bench.send(
    "log",
    Array.from({ length: count }, (_, index) => `${index}`),
  );
}

function read(bench: NodeBench, from: LogStart, room: number = Infinity, noAck = true): Hearing {
  return bench.consume("log", { from, noAck }, room);
}

function offsetsOf({ handed }: Hearing): number[] {
  return handed.map(({ seq }) => seq);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, offset) => offset);
}

suite("a log", () => {
  test("gives each reader all of it, in order, from offset 0 on", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 3);
    const early = read(bench, "first");
    await bench.after();
    bench.send("log", ["3"]);
    const late = read(bench, "first");
    await bench.after();
    for (const reader of [early, late]) {
      assert.deepEqual(offsetsOf(reader), [0, 1, 2, 3]);
      assert.deepEqual(reader.texts, ["0", "1", "2", "3"]);
    }
    assert.equal(bench.host.queue("log")?.count, 4);
  });

  test("begins where a reader says", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 5);
    await bench.after(1_000);
    const since = bench.env.wall();
    bench.send("log", ["5"]);
    const starts: readonly [LogStart, readonly number[]][] = [
      ["first", [0, 1, 2, 3, 4, 5, 6]],
      ["last", [5, 6]],
      ["next", [6]],
      [3, [3, 4, 5, 6]],
      [{ time: since }, [5, 6]],
      [{ time: 0 }, [0, 1, 2, 3, 4, 5, 6]],
      [{ time: since + 1 }, [6]],
    ];
    const readers = starts.map(([from]) => read(bench, from));
    await bench.after();
    bench.send("log", ["6"]);
    await bench.after();
    for (const [index, [from, offsets]] of starts.entries())
      assert.deepEqual(offsetsOf(readers[index]!), offsets, JSON.stringify(from));
  });

  test("hands a reader no more than it has room for, and more when it wakes", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 1_000);
    const reader = read(bench, "first", 3, false);
    await bench.after();
    assert.equal(reader.handed.length, 3);
    for (const handed of [...reader.handed]) {
      reader.room++;
      assert.equal(reader.consumer.ack(handed), true);
      assert.equal(reader.consumer.ack(handed), false);
    }
    await bench.after();
    assert.equal(bench.host.queue("log")?.unsettled, 3);
    reader.room = Infinity;
    reader.consumer.wake();
    await bench.after();
    assert.deepEqual(offsetsOf(reader), upTo(1_000));
  });

  test("is read without a gap while it is written, however fast its readers are", async () => {
    const seed = 11;
    const random = seededRandom(seed);
    const bench = new NodeBench();
    declare(bench);
    const readers: Hearing[] = [];
    for (let step = 0; step < 400; step++) {
      publishMany(bench, Math.floor(random() * 20));
      if (random() < 0.05) readers.push(read(bench, "first", Math.floor(random() * 100)));
      for (const reader of readers) {
        reader.room += Math.floor(random() * 20);
        if (random() < 0.5) reader.consumer.wake();
      }
      if (random() < 0.5) await bench.after();
    }
    for (const reader of readers) {
      reader.room = Infinity;
      reader.consumer.wake();
    }
    await bench.after();
    const count = bench.host.queue("log")!.count;
    for (const reader of readers) assert.deepEqual(offsetsOf(reader), upTo(count), `seed ${seed}`);
  });

  test("gives what is safe, and to who asks for it what is not safe yet", async () => {
    const bench = new NodeBench({}, "manual");
    declare(bench);
    const patient = read(bench, "first");
    const early = bench.consume("log", { from: "first", noAck: true, early: true });
    publishMany(bench, 2);
    await bench.after();
    assert.deepEqual([patient.texts, early.texts], [[], ["0", "1"]]);
    const late = read(bench, "first");
    bench.storage.commit();
    bench.storage.commit();
    bench.send("log", ["2"]);
    await bench.after();
    assert.deepEqual(
      [patient.texts, late.texts],
      [
        ["0", "1"],
        ["0", "1"],
      ],
    );
    bench.storage.commit();
    bench.storage.commit();
    await bench.after();
    assert.deepEqual(
      [patient.texts, late.texts],
      [
        ["0", "1", "2"],
        ["0", "1", "2"],
      ],
    );
  });

  test("is there after the process has died, and goes on with its offsets", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 3);
    await bench.after();
    bench.restart();
    bench.send("log", ["3"]);
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(offsetsOf(reader), [0, 1, 2, 3]);
    assert.equal(bench.host.queue("log")?.count, 4);
  });

  test("keeps what a consumer does not want, and does not hand it out", async () => {
    const bench = new NodeBench();
    declare(bench);
    const wants = (message: Message) => textOf(message) !== "1";
    const reader = bench.consume("log", { from: "first", noAck: true, wants });
    publishMany(bench, 3);
    await bench.after();
    assert.deepEqual(reader.texts, ["0", "2"]);
    assert.equal(bench.host.queue("log")?.count, 3);
  });

  test("tells its readers when it is gone, and forgets all", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 3);
    const reader = read(bench, "next");
    bench.host.deleteQueue("log");
    assert.equal(reader.cancellations[0], "queue 'log' in vhost '/' was deleted");
    declare(bench);
    const again = read(bench, "first");
    bench.send("log", ["new"]);
    await bench.after();
    assert.deepEqual(again.texts, ["new"]);
    assert.deepEqual(offsetsOf(again), [0]);
  });

  test("cannot be taken from as a queue can", async () => {
    const bench = new NodeBench();
    declare(bench);
    await assert.rejects(bench.host.take("log"), Refusal);
  });

  test("forgets all when it is purged, and goes on with its offsets", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 3);
    assert.equal(bench.host.purge("log"), 3);
    bench.send("log", ["new"]);
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(offsetsOf(reader), [3]);
    assert.equal(bench.host.queue("log")?.count, 1);
  });

  test("holds a message back until its time, and then it is the newest", async () => {
    const bench = new NodeBench();
    declare(bench);
    bench.host.publishTo("log", bench.message("later"), bench.env.wall() + 5_000);
    bench.send("log", ["now"]);
    const reader = read(bench, "first");
    await bench.after(4_000);
    assert.deepEqual(reader.texts, ["now"]);
    assert.equal(bench.host.queue("log")?.held, 1);
    await bench.after();
    bench.restart();
    const again = read(bench, "first");
    await bench.after(2_000);
    assert.deepEqual(again.texts, ["now", "later"]);
    assert.deepEqual(offsetsOf(again), [0, 1]);
    assert.equal(bench.host.queue("log")?.held, 0);
  });
});

suite("what a log keeps", () => {
  test("is as many messages as its bound, and reading from further back begins there", async () => {
    const bench = new NodeBench();
    declare(bench, { lengthMax: 1_000 });
    publishMany(bench, 1_505);
    const reader = read(bench, 3);
    await bench.after();
    assert.equal(offsetsOf(reader)[0], 505);
    assert.equal(offsetsOf(reader).length, 1_000);
    const { count } = bench.host.queue("log")!;
    assert.ok(count >= 1_000 && count <= 1_010, `${count}`);
  });

  test("is about as many bytes as its bound, and the newest message whatever its size", async () => {
    const bench = new NodeBench();
    declare(bench, { bytesMax: 10_000 });
    for (let index = 0; index < 300; index++) bench.send("log", ["x"], { body: Buffer.alloc(95) });
    const { bytes, count } = bench.host.queue("log")!;
    assert.ok(bytes <= 10_100 && count > 90, `${bytes} bytes in ${count}`);
    bench.send("log", ["x"], { body: Buffer.alloc(50_000) });
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(offsetsOf(reader), [300]);
  });

  test("is as old as its bound; nobody gets what is older, and then it goes", async () => {
    const bench = new NodeBench();
    declare(bench, { retentionMs: 60_000 });
    bench.send("log", ["old"]);
    await bench.after(30_000);
    bench.send("log", ["younger"]);
    await bench.after(40_000);
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(reader.texts, ["younger"]);
    bench.send("log", ["new"]);
    await bench.after();
    assert.equal(bench.host.queue("log")?.count, 2);
  });

  test("is less at once when its terms say so", async () => {
    const bench = new NodeBench();
    declare(bench);
    publishMany(bench, 100);
    const log = bench.host.queue("log")!;
    log.terms = { ...log.terms, lengthMax: 10 };
    assert.equal(log.count, 10);
  });

  test("is of a compacted log the newest message of each key", async () => {
    const bench = new NodeBench();
    declare(bench, { compacted: true });
    for (let round = 0; round < 3; round++)
      for (const key of ["a", "b"]) bench.send("log", [`${key}${round}`], { key });
    bench.send("log", ["c0"], { key: "c" });
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(reader.texts, ["a2", "b2", "c0"]);
    bench.send("log", ["a3"], { key: "a" });
    await bench.after();
    assert.deepEqual(reader.texts, ["a2", "b2", "c0", "a3"]);
  });

  test("of a compacted log is counted without what was replaced", async () => {
    const bench = new NodeBench();
    declare(bench, { compacted: true });
    for (let index = 0; index < 1_000; index++) {
      bench.send("log", [`${index}`], { key: `${index % 3}` });
      if (index % 10 === 0) await bench.after();
    }
    await bench.after();
    const { count, bytes } = bench.host.queue("log")!;
    assert.ok(count >= 3 && count <= 40, `${count}`);
    assert.ok(bytes < 1_000, `${bytes}`);
    const reader = read(bench, "first");
    await bench.after();
    assert.deepEqual(reader.texts, ["997", "998", "999"]);
  });
});
