import { equal, ok } from "node:assert/strict";
import { test } from "node:test";

import type { Words } from "../os/words.ts";
import { readSnapshot, type Slots, SnapshotWord, SnapshotWriter } from "./snapshot.ts";

/*
 * The writer never looks at a reader, so all that it does is a list of writes, and every interleaving of the two is: before each access of
 * the reader, some more of that list happens. All of them are tried; each byte of a value is an access of its own.
 */

type Write = (memory: Memory) => void;

class Memory {
  readonly words = new Map<number, number>();
  readonly slots: number[][] = [[], []];
}

/** What changes the writer's list, or what the reader is told: a way of doing it wrong. */
interface Fault {
  writer?(
    list: { readonly store?: number; readonly value?: number; readonly run: Write }[],
  ): { readonly run: Write }[];
  reader?(index: number, value: number, before: readonly [number, number][]): number;
}

/** A value: its version, so often. */
const valueBytes = 2;

function writesOf(versions: number, from: number, fault: Fault): Write[] {
  const writes: { store?: number; value?: number; run: Write }[] = [];
  const memory = new Memory();
  memory.words.set(SnapshotWord.version, from);
  const words: Words = {
    load: (index) => memory.words.get(index) ?? 0,
    store: (index, value) =>
      void writes.push({ store: index, value, run: (m) => void m.words.set(index, value) }),
  };
  const slots: Slots = {
    write(slot, bytes) {
      writes.push({ run: (m) => void (m.slots[slot] = m.slots[slot]!.slice(0, bytes.length)) });
      for (const [at, byte] of bytes.entries())
        writes.push({ run: (m) => void (m.slots[slot]![at] = byte) });
    },
    read: () => Buffer.alloc(0),
  };
  const writer = new SnapshotWriter(words, slots);
  for (let n = 1; n <= versions; n++) writer.write(Buffer.alloc(valueBytes, from + n));
  return (fault.writer?.(writes) ?? writes).map(({ run }) => run);
}

/** How many interleavings there were, and what went wrong in the first that went wrong. */
function explore(fault: Fault = {}): {
  readonly tried: number;
  readonly wrong: string | undefined;
} {
  const written = writesOf(3, 0, fault);
  let tried = 0;
  let wrong: string | undefined;
  /** How much of the writer's list happens before each access of the reader; the last choices are made first. */
  const choices: number[] = [];
  for (;;) {
    let done = 0;
    let access = 0;
    const memory = new Memory();
    const remaining: number[] = [];
    const step = (): void => {
      const chosen = (choices[access] ??= 0);
      for (let n = 0; n < chosen; n++) written[done++]!(memory);
      remaining[access++] = written.length - done;
    };
    const seen: [number, number][] = [];
    const words: Words = {
      load(index) {
        step();
        const value = memory.words.get(index) ?? 0;
        const told = fault.reader?.(index, value, seen) ?? value;
        seen.push([index, told]);
        return told;
      },
      store() {},
    };
    const slots: Slots = {
      write() {},
      read(slot) {
        const bytes: number[] = [];
        for (let at = 0; at < valueBytes; at++) {
          step();
          bytes.push(memory.slots[slot]![at] ?? 0);
        }
        return Buffer.from(bytes);
      },
    };
    const snapshot = readSnapshot(words, slots);
    tried++;
    if (snapshot === "busy") wrong ??= `it never ends: ${choices.join()}`;
    else if (snapshot !== undefined && snapshot.bytes.some((byte) => byte !== snapshot.version))
      wrong ??= `version ${snapshot.version} is read as ${[...snapshot.bytes].join()}: ${choices.join()}`;
    if (wrong !== undefined) return { tried, wrong };
    // The next one: the last access before which more can happen.
    choices.length = access;
    let last = access - 1;
    while (last >= 0 && remaining[last] === 0) last--;
    if (last < 0) return { tried, wrong };
    choices.length = last + 1;
    choices[last]!++;
  }
}

test("in every interleaving a value is read as it was at one moment, or not at all", () => {
  const { tried, wrong } = explore();
  equal(wrong, undefined);
  ok(tried > 10_000, `${tried} interleavings`);
});

const slotWords: readonly number[] = SnapshotWord.slots;

const faults: Record<string, Fault> = {
  "the second look at the slot is left out": {
    reader: (index, value, before) => {
      const earlier = before.findLast(([word]) => word === index);
      return slotWords.includes(index) && earlier !== undefined && before.at(-1)?.[0] === index
        ? earlier[1]
        : value;
    },
  },
  "odd and even mean the opposite": {
    writer: (list) =>
      list.map(({ store, value, run }) =>
        store !== undefined && slotWords.includes(store)
          ? { run: (m: Memory) => void m.words.set(store, value! ^ 1) }
          : { run },
      ),
  },
  "the slot is not marked while it is written": {
    writer: (list) =>
      list.filter(
        ({ store, value }) => store === undefined || !slotWords.includes(store) || value! % 2 === 0,
      ),
  },
  "the version is told before the value is whole": {
    writer: (list) => {
      const bytes = list.filter(({ store }) => store === undefined);
      return [...list.filter(({ store }) => store !== undefined), ...bytes];
    },
  },
  "the current slot is the one that is written": {
    writer: (list) =>
      list.map(({ run }) => ({
        run: (m: Memory) => (run(m), void (m.slots[0] = m.slots[1] = m.slots[1]!)),
      })),
  },
};

for (const [name, fault] of Object.entries(faults)) {
  test(`it would be seen if ${name}`, () => {
    ok(explore(fault).wrong !== undefined);
  });
}

test("after the last number of a version comes one that is there again, and the slots go on by turns", () => {
  const memory = new Map<number, number>([[SnapshotWord.version, 2 ** 32 - 2]]);
  const kept: Buffer[] = [];
  const words: Words = {
    load: (index) => memory.get(index) ?? 0,
    store: (index, value) => void memory.set(index, value),
  };
  const slots: Slots = {
    write: (slot, bytes) => void (kept[slot] = Buffer.from(bytes)),
    read: (slot) => kept[slot]!,
  };
  const writer = new SnapshotWriter(words, slots);
  const versions = [1, 2, 3].map((byte) => {
    writer.write(Buffer.of(byte));
    const snapshot = readSnapshot(words, slots);
    ok(typeof snapshot === "object");
    equal(snapshot.bytes[0], byte);
    return snapshot.version;
  });
  equal(versions.join(), [2 ** 32 - 1, 2, 3].join());
});

test("a writer who writes without end is given up on", () => {
  let clock = 0;
  const words: Words = {
    load: (index) => (index === SnapshotWord.version ? 1 : clock++),
    store() {},
  };
  equal(readSnapshot(words, { write() {}, read: () => Buffer.alloc(0) }), "busy");
});
