import { deepEqual, equal } from "node:assert/strict";
import { suite, test } from "node:test";

import { between, seededRandom } from "../base/random.ts";
import { RingReader } from "./ring-reader.ts";
import { RingWriter } from "./ring-writer.ts";
import { SharedWords, Word, type Words } from "./words.ts";

/** Both halves of a ring, with the words of both sides to be looked at, and how often each has rung. */
class Ring {
  readonly ring: Buffer;
  readonly writing: Words = new SharedWords(new ArrayBuffer(4_096), 0);
  readonly reading: Words = new SharedWords(new ArrayBuffer(4_096), 0);
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** Bells that the writer has rung, and bells that the reader has rung. */
  forBytes = 0;
  forRoom = 0;

  constructor(bytes: number, start: number = 0) {
    this.ring = Buffer.alloc(bytes);
    for (const [words, word] of [
      [this.writing, Word.tail],
      [this.reading, Word.head],
    ] as const)
      words.store(word, start);
    this.writer = new RingWriter(
      this.ring,
      this.writing,
      this.reading,
      () => this.forBytes++,
      start,
    );
    this.reader = new RingReader(
      this.ring,
      this.reading,
      this.writing,
      () => this.forRoom++,
      start,
    );
  }

  write(text: string, from: number = 0): number {
    const count = this.writer.write(Buffer.from(text), from);
    if (count > 0) this.writer.publish();
    return count;
  }

  read(bytesMost: number = 100): string {
    const into = Buffer.alloc(bytesMost);
    return into.toString("latin1", 0, this.reader.read(into));
  }
}

/** Where positions begin so that they pass 2³² within the test, and where they do not. */
const starts = [0, 2 ** 31 - 3, 2 ** 32 - 1, 2 ** 32 - 4, 2 ** 32 - 16];

for (const start of starts) {
  suite(`a ring whose positions begin at ${start}`, () => {
    for (const bytes of [1, 2, 4, 16]) {
      test(`of ${bytes} bytes takes as much as it has room for, and gives it in order`, () => {
        const ring = new Ring(bytes, start);
        const text = "abcdefghijklmnopqrstuvwxyz0123456789";
        let got = "";
        for (let from = 0; from < text.length;) {
          const count = ring.write(text, from);
          equal(count, Math.min(bytes, text.length - from));
          equal(ring.write(text, from + count), 0);
          from += count;
          got += ring.read();
        }
        equal(got, text);
        equal(ring.read(), "");
      });
    }

    test("a message that ends exactly where the ring ends, and one that begins there", () => {
      const ring = new Ring(8, start);
      const toEnd = 8 - (start & 7);
      const first = "abcdefgh".slice(0, toEnd);
      equal(ring.write(first), toEnd);
      equal(ring.read(), first);
      equal(ring.write("12345678"), 8);
      equal(ring.ring.toString(), "12345678");
      equal(ring.read(), "12345678");
    });

    test("a message is read in parts around the end of the ring", () => {
      const ring = new Ring(8, start);
      ring.write("abcde");
      equal(ring.read(), "abcde");
      equal(ring.write("12345678"), 8);
      equal(ring.read(3), "123");
      equal(ring.write("9"), 1);
      equal(ring.read(5), "45678");
      equal(ring.read(5), "9");
    });

    test("positions that cannot be are refused", () => {
      for (const tail of [5, 2 ** 31, 2 ** 32 - 1]) {
        const ring = new Ring(4, start);
        ring.writing.store(Word.tail, start + tail);
        equal(ring.reader.read(Buffer.alloc(4)), -1);
      }
      for (const head of [1, 2 ** 31, 2 ** 32 - 5]) {
        const ring = new Ring(4, start);
        ring.reading.store(Word.head, start + head);
        equal(ring.writer.write(Buffer.alloc(9), 0), -1);
      }
    });
  });
}

suite("the bells of a ring", () => {
  test("one rings for each sleep", () => {
    const ring = new Ring(8);
    equal(ring.reader.sleep(), true);
    ring.write("a");
    ring.write("b");
    equal(ring.forBytes, 1);
    equal(ring.reader.sleep(), false);
    ring.write("c");
    equal(ring.forBytes, 1);
    ring.read();
    equal(ring.reader.sleep(), true);
    ring.write("d");
    equal(ring.forBytes, 2);
  });

  test("one rings for each wait", () => {
    const ring = new Ring(4);
    ring.write("abcd");
    equal(ring.writer.wait(), true);
    ring.read(1);
    ring.read(1);
    equal(ring.forRoom, 1);
    equal(ring.writer.wait(), false);
    ring.read(1);
    equal(ring.forRoom, 1);
    equal(ring.write("1234"), 3);
    equal(ring.write("4"), 0);
    equal(ring.writer.wait(), true);
    ring.read(1);
    equal(ring.forRoom, 2);
  });

  test("the end rings too, and is seen after the last bytes", () => {
    const ring = new Ring(4);
    equal(ring.reader.sleep(), true);
    ring.writer.end();
    equal(ring.forBytes, 1);
    equal(ring.reader.sleep(), false);
    equal(ring.reader.ended, true);
  });

  test("sleeps and waits are counted beyond 2³¹", () => {
    const reading = new SharedWords(new ArrayBuffer(4_096), 0);
    const writing = new SharedWords(new ArrayBuffer(4_096), 0);
    let rung = 0;
    const writer = new RingWriter(Buffer.alloc(4), writing, reading, () => rung++);
    const reader = new RingReader(Buffer.alloc(4), reading, writing, () => rung++);
    for (const count of [2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 - 1]) {
      const before = rung;
      reading.store(Word.sleeping, count);
      writing.store(Word.waiting, count);
      writer.publish();
      writer.publish();
      equal(rung, before + 1);
      writer.write(Buffer.alloc(1), 0);
      writer.publish();
      equal(reader.read(Buffer.alloc(1)), 1);
      equal(rung, before + 2);
    }
  });
});

test("a ring does what a plain queue does", () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed, "ring");
  for (let round = 0; round < 200; round++) {
    const bytes = 1 << between(random, 0, 6);
    const ring = new Ring(bytes, (2 ** 32 - between(random, 0, 100)) >>> 0);
    const queue: number[] = [];
    let next = 0;
    for (let step = 0; step < 200; step++) {
      if (random() < 0.5) {
        const offered = Buffer.from(
          Array.from({ length: between(random, 0, 90) }, () => next++ & 255),
        );
        const from = between(random, 0, offered.length);
        const count = ring.writer.write(offered, from);
        next -= offered.length - from - count;
        const room = bytes - queue.length;
        equal(count, Math.min(room, offered.length - from), `seed ${seed}`);
        queue.push(...offered.subarray(from, from + count));
        ring.writer.publish();
      } else {
        const into = Buffer.alloc(between(random, 0, 90));
        const count = ring.reader.read(into);
        const wanted = queue.splice(0, into.length);
        deepEqual([...into.subarray(0, count)], wanted, `seed ${seed}`);
      }
    }
  }
});
