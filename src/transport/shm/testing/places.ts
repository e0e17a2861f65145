/*
 * A program is a function of what it gets from outside: what it loads, what it reads, what happens next. So it is run from its beginning
 * with all answers that it has had so far, until it asks for one more; there it stops, and the answer that it gets is one step. Nothing of
 * it has to be rewritten for that. The answers form a tree, in which those places are one that go on alike.
 */

/** What a program asks for: each is one step, before which the other side may do anything. */
export type Ask =
  | { readonly kind: "load"; readonly index: number }
  | { readonly kind: "store"; readonly index: number; readonly value: number }
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "read"; readonly at: number; readonly count: number }
  | { readonly kind: "ring" }
  | { readonly kind: "gone" }
  | {
      readonly kind: "event";
      readonly bell: boolean;
      readonly socket: boolean;
      readonly own: readonly string[];
    };

export type Answer = number | Uint8Array | string | undefined;

/** What a program reports of itself, for the checks; flat, and said again in each run. */
export interface Report {
  /** It has closed the socket. */
  hungUp: boolean;
  /** All that is in the program between two events, as text: two runs in which it is the same go on alike. */
  within: string;
  readonly [more: string]: unknown;
}

/** A program: asks by `ask` for all that it gets from outside, and keeps `report` true at each ask. */
export type Program<R extends Report> = (ask: (what: Ask) => Answer, report: R) => void;

/** What one side has written by its steps so far. Bytes of rings are bits. */
interface Memory {
  readonly words: ReadonlyMap<number, Stored>;
  readonly ring: Uint8Array;
  /** The bytes of its own ring that were written at all. */
  readonly written: number;
}

/** A word, with the bytes that its side has written, and has read of the other one's ring, since it was stored: whoever loads it cannot know of these. */
interface Stored {
  readonly value: number;
  readonly writtenSince: number;
  readonly readSince: number;
}

/** A side after some answers. */
export interface Place<R extends Report> {
  readonly id: number;
  readonly answers: Trail | undefined;
  readonly asks: Ask | undefined;
  readonly memory: Memory;
  readonly report: R;
  readonly next: Map<string, Place<R>>;
}

interface Trail {
  readonly before: Trail | undefined;
  readonly answer: Answer;
}

/** What the tree is to know of both. */
export interface Layout<R extends Report> {
  readonly newReport: () => R;
  readonly ringBytes: number;
  readonly words: readonly number[];
}

/** Stops a run: the program has asked for something to which there is no answer yet. */
const stopped = new Error("stopped");

/** The places of one program. */
export class Tree<R extends Report> {
  readonly root: Place<R>;
  readonly #of: Layout<R>;
  readonly #program: Program<R>;
  /** Those between two events. */
  readonly #resting = new Map<string, Place<R>>();
  #places = 0;

  constructor(of: Layout<R>, program: Program<R>) {
    this.#of = of;
    this.#program = program;
    const stored = { value: 0, writtenSince: 0, readSince: 0 };
    const words = new Map(of.words.map((index) => [index, stored]));
    this.root = this.#run(undefined, { words, ring: new Uint8Array(of.ringBytes), written: 0 });
  }

  after(place: Place<R>, answer: Answer): Place<R> {
    const key = String(answer);
    const known = place.next.get(key);
    if (known !== undefined) return known;
    const memory = this.#done(place.memory, place.asks!);
    const made = this.#merged(this.#run({ before: place.answers, answer }, memory));
    place.next.set(key, made);
    return made;
  }

  /** A place that goes on like this one, if there is one already. */
  #merged(made: Place<R>): Place<R> {
    if (made.asks?.kind !== "event") return made;
    const { words, written } = made.memory;
    const key = JSON.stringify([made.report, made.asks, [...words], written]);
    const known = this.#resting.get(key);
    if (known !== undefined) return known;
    this.#resting.set(key, made);
    return made;
  }

  #done(memory: Memory, asks: Ask): Memory {
    switch (asks.kind) {
      case "store": {
        const stored = { value: asks.value, writtenSince: 0, readSince: 0 };
        return { ...memory, words: new Map(memory.words).set(asks.index, stored) };
      }
      case "write": {
        const ring = Uint8Array.from(memory.ring);
        ring.set(asks.bytes, asks.at);
        const bits = bitsOf(asks.at, asks.bytes.length);
        return { words: since(memory.words, bits, 0), ring, written: memory.written | bits };
      }
      case "read":
        return { ...memory, words: since(memory.words, 0, bitsOf(asks.at, asks.count)) };
      default:
        return memory;
    }
  }

  #run(answers: Trail | undefined, memory: Memory): Place<R> {
    const given: Answer[] = [];
    for (let trail = answers; trail !== undefined; trail = trail.before) given.push(trail.answer);
    given.reverse();
    const report = this.#of.newReport();
    let asks: Ask | undefined;
    let told: R | undefined;
    let asked = 0;
    const ask = (what: Ask): Answer => {
      if (told === undefined && asked < given.length) return given[asked++];
      // Whoever catches what stops it gets no further by that.
      told ??= { ...report };
      asks ??= what;
      throw stopped;
    };
    try {
      this.#program(ask, report);
    } catch (error) {
      if (told === undefined) throw error;
    }
    return { id: this.#places++, answers, asks, memory, report: told ?? report, next: new Map() };
  }
}

function since(
  words: ReadonlyMap<number, Stored>,
  written: number,
  read: number,
): ReadonlyMap<number, Stored> {
  const marked = [...words].map(([index, { value, writtenSince, readSince }]): [number, Stored] => [
    index,
    { value, writtenSince: writtenSince | written, readSince: readSince | read },
  ]);
  return new Map(marked);
}

/** Bytes of a ring as bits. */
export function bitsOf(at: number, count: number): number {
  return ((1 << count) - 1) << at;
}
