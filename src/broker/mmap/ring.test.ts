import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, type Random } from "../../base/random.ts";
import type { Words } from "../../os/words.ts";
import { payloadBytesMax, recordBytes, Records } from "./records.ts";
import { RingHead, type Taken } from "./ring-head.ts";
import { RingTail } from "./ring-tail.ts";
import { RingWord } from "./ring-words.ts";

const id = Buffer.alloc(16, 7);

class ModelWords implements Words {
  readonly #words = new Uint32Array(160);

  load(index: number): number {
    return this.#words[index]!;
  }

  store(index: number, value: number): void {
    this.#words[index] = value;
  }
}

/** A ring in ordinary memory. */
class Ring {
  readonly memory: Buffer;
  readonly words: ModelWords = new ModelWords();
  readonly records: Records;
  readonly tail: RingTail;

  constructor(size: number, start: number = 0) {
    this.memory = Buffer.from(new ArrayBuffer(size));
    this.words.store(RingWord.tail, start);
    this.words.store(RingWord.head, start);
    this.records = new Records(this.memory, id);
    this.tail = new RingTail(this.records, this.words);
  }

  /** Whoever reads now; there may have been others. */
  head(): RingHead {
    return new RingHead(this.records, this.words);
  }

  add(...texts: readonly string[]): number {
    return this.tail.add(
      texts.map((text) => Buffer.from(text)),
      0,
    );
  }
}

function taken(head: RingHead): string[] {
  const texts: string[] = [];
  for (let one = head.take(); one; one = head.take()) texts.push(one.bytes.toString());
  return texts;
}

/** Runs it with a seed that is told when it fails. */
function seeded(name: string, run: (random: Random) => void): void {
  void test(name, () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1_000_000));
    try {
      run(seededRandom(seed, name));
    } catch (error) {
      throw new Error(`SEED=${seed} shows it again`, { cause: error });
    }
  });
}

test("records come as they were written, in their order, whatever their size", () => {
  const ring = new Ring(4_096);
  const largest = "x".repeat(payloadBytesMax(4_096));
  equal(ring.add("", "a", largest, "after"), 4);
  deepEqual(taken(ring.head()), ["", "a", largest, "after"]);
});

test("a ring takes what it has room for, to the last byte, and what was settled is room", () => {
  const ring = new Ring(256);
  const text = "y".repeat(48);
  equal(recordBytes(48), 64);
  equal(ring.add(text, text, text, text, text), 4);
  equal(ring.add(text), 0);
  const head = ring.head();
  const first = head.take();
  ok(first);
  equal(ring.add(text), 0, "what is taken and not settled is none");
  head.settle(first);
  equal(ring.add(text, text), 1);
  equal(taken(head).length, 4);
});

test("what was written behind the tail is nothing, and is written over", () => {
  const ring = new Ring(256);
  ring.add("a");
  const tail = ring.words.load(RingWord.tail);
  // Whoever did this died before he had stored the tail.
  ring.records.writeBytes(tail, Buffer.from("never"));
  ring.records.writeHead(tail, Buffer.from("never"));
  deepEqual(taken(ring.head()), ["a"]);
  ring.add("b");
  deepEqual(taken(ring.head()), ["a", "b"]);
});

test("what is settled out of turn does not come to the next reader, and how often the others came does", () => {
  const ring = new Ring(1_024);
  ring.add("a", "b", "c");
  const head = ring.head();
  const all = [head.take(), head.take(), head.take()] as Taken[];
  head.settle(all[1]!);
  head.again(all[2]!);
  const next = ring.head();
  const seen: [string, number][] = [];
  for (let one = next.take(); one; one = next.take()) seen.push([one.bytes.toString(), one.handed]);
  deepEqual(seen, [
    ["a", 2],
    ["c", 3],
  ]);
});

test("what stands there of an earlier lap, or of another file, is no record", () => {
  const ring = new Ring(256);
  const head = ring.head();
  for (let lap = 0; lap < 2; lap++) {
    ring.add("z".repeat(240 - 16));
    head.settle(head.take() as Taken);
  }
  // The tail is moved, and nothing is written: a machine has lost its power.
  ring.words.store(RingWord.tail, (ring.words.load(RingWord.tail) + 256) >>> 0);
  const lost = head.take();
  ok(lost);
  ok(lost.broken);
  equal(lost.next, ring.words.load(RingWord.tail));

  const other = new Ring(256);
  other.add("theirs");
  const ours = new Records(other.memory, Buffer.alloc(16, 8));
  ok(ours.read(0, 32).broken);
});

test("what goes beyond the tail is no record, whatever its sum", () => {
  const ring = new Ring(1_024);
  ring.add("w".repeat(100));
  ring.words.store(RingWord.tail, 64);
  const one = ring.head().take();
  ok(one);
  ok(one.broken);
  equal(one.next, 64);
});

test("behind what is no record the next one is found", () => {
  const ring = new Ring(1_024);
  ring.add("a", "b", "c");
  ring.memory.fill(0xff, 32, 48);
  const head = ring.head();
  const found = [head.take(), head.take(), head.take()] as Taken[];
  deepEqual(
    found.map(({ broken, bytes }) => broken === undefined && bytes.toString()),
    ["a", false, "c"],
  );
  equal(found[1]!.next - found[1]!.position, 32);
  for (const each of found) head.settle(each);
  equal(ring.words.load(RingWord.head), ring.words.load(RingWord.tail));
});

test("who sleeps says so once, and does not sleep while there is something", () => {
  const ring = new Ring(256);
  const head = ring.head();
  const sleeping = (): number => ring.words.load(RingWord.sleeping);
  equal(head.sleep(), true);
  equal(head.sleep(), true);
  equal(sleeping() & 1, 1);
  const asleep = sleeping();
  head.wake();
  equal(sleeping() & 1, 0);
  ring.add("a");
  equal(head.sleep(), false);
  equal(sleeping() & 1, 0);
  equal(taken(head).length, 1);
  head.sleep();
  ok(sleeping() !== asleep, "each sleep is another one: the bell rings for each");
  equal(ring.head() instanceof RingHead && sleeping() & 1, 0, "whoever takes over is awake");
});

seeded(
  "nothing is lost, doubled or out of turn, whoever dies when, at the end of all positions",
  (random) => {
    for (const size of [256, 512, 4_096]) {
      const ring = new Ring(size, 2 ** 32 - size);
      let head = ring.head();
      let written = 0;
      const done = new Set<number>();
      const held = new Map<number, Taken>();
      let latest = -1;
      for (let step = 0; step < 20_000; step++) {
        const act = random();
        if (act < 0.4) {
          const length = Math.floor(random() * (payloadBytesMax(size) + 1));
          const payload = Buffer.alloc(Math.max(4, length), written & 0xff);
          payload.writeUInt32LE(written, 0);
          written += ring.tail.add([payload], 0);
        } else if (act < 0.45) {
          const tail = ring.words.load(RingWord.tail);
          const room = size - ((tail - ring.words.load(RingWord.head)) >>> 0);
          const garbage = Buffer.alloc(
            Math.max(0, Math.min(room - 16, payloadBytesMax(size))),
            0xee,
          );
          if (room >= 16) ring.records.writeBytes(tail, garbage);
          if (room >= 16 && random() < 0.5) ring.records.writeHead(tail, garbage);
        } else if (act < 0.7) {
          const one = head.take();
          ok(one !== false);
          if (one === undefined) continue;
          const number = one.bytes.readUInt32LE(0);
          equal(one.broken, undefined);
          ok(
            one.bytes.subarray(4).every((byte) => byte === (number & 0xff)),
            "torn",
          );
          ok(!done.has(number), `${number} came again after it was settled`);
          ok(!held.has(number));
          if (number > latest) equal(number, ++latest, "one was left out");
          held.set(number, one);
        } else if (act < 0.97) {
          const numbers = [...held.keys()];
          const number = numbers[Math.floor(random() * numbers.length)];
          if (number === undefined) continue;
          head.settle(held.get(number)!);
          held.delete(number);
          done.add(number);
        } else {
          held.clear();
          head = ring.head();
        }
      }
      for (const each of held.values()) head.settle(each);
      for (let one = head.take(); one; one = head.take()) {
        ok(!done.has(one.bytes.readUInt32LE(0)));
        held.set(one.bytes.readUInt32LE(0), one);
      }
      equal(done.size + held.size, written);
      ok(ring.words.load(RingWord.tail) < 2 ** 31, "positions have begun anew");
    }
  },
);

seeded(
  "whatever others write into it, what comes is a message that was written or none",
  (random) => {
    for (let round = 0; round < 400; round++) {
      const ring = new Ring(4_096, random() < 0.5 ? 2 ** 32 - 1_024 : 0);
      const texts = Array.from({ length: 40 }, (_, i) => `message ${i} of round ${round}`);
      ring.add(...texts);
      const head = ring.head();
      for (let scribble = 0; scribble < 1 + random() * 20; scribble++) {
        const at = Math.floor(random() * ring.memory.length);
        const word = Math.floor(random() * 1_024) * 4;
        if (random() < 0.5) ring.memory[at] = Math.floor(random() * 256);
        // Lengths and positions that could be right are the harder ones.
        else ring.memory.writeUInt32LE(Math.floor(random() * 4_096), word);
      }
      if (random() < 0.2) ring.words.store(RingWord.tail, Math.floor(random() * 2 ** 32));
      if (random() < 0.2) ring.words.store(RingWord.sleeping, Math.floor(random() * 2 ** 32));
      const left = [...texts];
      for (let one = head.take(); one; one = head.take()) {
        if (one.broken === undefined) {
          const at = left.indexOf(one.bytes.toString());
          ok(at >= 0, `${one.bytes.toString("latin1")} was never written, or came twice`);
          left.splice(0, at + 1);
        }
        if (random() < 0.5) head.settle(one);
      }
    }
  },
);
