import type { Words } from "../os/words.ts";

/**
 * One value that one writer writes and many read, without locks: a seqlock with two slots. The writer fills the slot that is not the
 * current one, then says that it is. So a reader is disturbed only by a writer that writes twice while it reads, and sees that it was.
 */

/** Where the words are, 128 bytes apart. The writer alone writes them. */
export const SnapshotWord = {
  /** How often a value was set, modulo 2³²; 0: never. The last bit says in which slot the current one is. */
  version: 0,
  /** Of each slot: twice the version of what is in it; odd while it is being written. */
  slots: [32, 64],
  /** Non-zero: there will be no further value here, for another file has taken this one's place. */
  moved: 96,
} as const;

/** The bytes of the two slots. */
export interface Slots {
  write(slot: 0 | 1, bytes: Uint8Array): void;
  /** A copy of what is there: whatever it is, while it is being written. */
  read(slot: 0 | 1): Buffer;
}

/** So often a reader begins anew, when the writer has written twice meanwhile, before it gives up. */
const readsMax = 1_000;

export class SnapshotWriter {
  readonly #words: Words;
  readonly #slots: Slots;
  #version: number;

  /** Goes on after the last value that is whole, whatever became of the writer before. */
  constructor(words: Words, slots: Slots) {
    this.#words = words;
    this.#slots = slots;
    this.#version = words.load(SnapshotWord.version);
  }

  write(bytes: Uint8Array): void {
    const version = (this.#version + 1) >>> 0 || 2; // 0 is none; parity goes on
    const slot = (version & 1) as 0 | 1;
    const word = SnapshotWord.slots[slot];
    this.#words.store(word, (version * 2 + 1) >>> 0);
    // A store alone lets later ones pass it on some machines; what follows a load does not pass that.
    this.#words.load(word);
    this.#slots.write(slot, bytes);
    this.#words.store(word, (version * 2) >>> 0);
    this.#words.store(SnapshotWord.version, version);
    this.#version = version;
  }
}

export interface Snapshot {
  readonly version: number;
  readonly bytes: Buffer;
}

/** The value as it was at one moment of this call; undefined: none was ever set. `busy`: the writer wrote too often to be read. */
export function readSnapshot(words: Words, slots: Slots): Snapshot | undefined | "busy" {
  for (let reads = 0; reads < readsMax; reads++) {
    const version = words.load(SnapshotWord.version);
    if (version === 0) return undefined;
    const slot = (version & 1) as 0 | 1;
    const word = SnapshotWord.slots[slot];
    const expected = (version * 2) >>> 0;
    if (words.load(word) !== expected) continue;
    const bytes = slots.read(slot);
    settle();
    if (words.load(word) === expected) return { version, bytes };
  }
  return "busy";
}

const own = new Int32Array(1);

/** What was read before is read by now: on some machines a load may pass an earlier one, but none passes a store before it. */
function settle(): void {
  Atomics.store(own, 0, 0);
}
