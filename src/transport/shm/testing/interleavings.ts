/*
 * All interleavings of two programs that share memory, as far as they can be told apart. A program is a function of what it gets from
 * outside: what it loads, what it reads, what happens next. So it is run from its beginning with all answers that it has had so far,
 * until it asks for one more; there it stops, and the answer that it gets is one step. Nothing of it has to be rewritten for that.
 * Answers form a tree for each side, in which those places are one that go on alike, and a state of both is a pair of places, with what
 * is on its way between them.
 */

/** What a program asks for: each is one step, before which the other side may do anything. */
export type Ask =
  | { readonly kind: "load"; readonly index: number }
  | { readonly kind: "store"; readonly index: number; readonly value: number }
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "read"; readonly at: number; readonly count: number }
  | { readonly kind: "ring" }
  | { readonly kind: "gone" }
  | { readonly kind: "event"; readonly bell: boolean; readonly socket: boolean; readonly own: readonly string[] };

type Answer = number | Uint8Array | string | undefined;

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

/** A state of both. */
export interface State<R extends Report> {
  readonly places: Pair<Place<R>>;
  /** Rung and not yet heard. */
  readonly bells: Pair<number>;
  /** How much more often a side has said that it waits for something than the other one has rung. */
  readonly due: Pair<number>;
  /** Which of the bytes that a side has written the other one knows to be written, */
  readonly knownWritten: Pair<number>;
  /** and which of those that a side has read the other one knows to be read. */
  readonly knownRead: Pair<number>;
  readonly dead: -1 | 0 | 1;
}

type Pair<T> = readonly [T, T];

export interface Exploration<R extends Report> {
  readonly programs: readonly [Program<R>, Program<R>];
  readonly newReport: () => R;
  readonly ringBytes: number;
  /** Words that are odd while their side waits. */
  readonly waitWords: readonly number[];
  readonly words: readonly number[];
  /** One side may die, at any step. */
  readonly death: -1 | 0 | 1;
  /** The two only take turns between events: for what was looked at more closely elsewhere. */
  readonly coarse?: boolean;
  /** Says what is wrong with a state in which nothing can happen any more. */
  checkEnd(state: State<R>): string | undefined;
}

/** States after which an exploration is given up: it is too large for a test, or does not end. */
const statesMax = 3_000_000;

/** Goes through all states, and returns how many there are. Throws with the steps to the first one that is wrong. */
export function explore<R extends Report>(of: Exploration<R>): number {
  const trees = [new Tree(of, 0), new Tree(of, 1)] as const;
  const none = [0, 0] as const;
  const first: State<R> = {
    places: [trees[0].root, trees[1].root],
    bells: none,
    due: none,
    knownWritten: none,
    knownRead: [-1, -1],
    dead: -1,
  };
  const seen = new Set([keyOf(first)]);
  const open: Step<R>[] = [{ state: first, did: "", before: undefined }];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { state } = step;
    let moved = false;
    try {
      
      for (const [did, state] of successors(of, trees, step.state)) {
        moved = true;
        const key = keyOf(state);
        if (seen.has(key)) continue;
        seen.add(key);
        open.push({ state, did, before: step });
      }
      if (!moved) fail(of.checkEnd(state));
    } catch (error) {
      throw new Error(`${String(error instanceof Error ? error.message : error)}, after\n${told(step)}`, { cause: error });
    }
    if (seen.size > statesMax) throw new Error(`more than ${statesMax} states`);
  }
  return seen.size;
}

interface Step<R extends Report> {
  readonly state: State<R>;
  readonly did: string;
  readonly before: Step<R> | undefined;
}

function* successors<R extends Report>(
  of: Exploration<R>,
  trees: readonly [Tree<R>, Tree<R>],
  state: State<R>,
): Iterable<[did: string, State<R>]> {
  const { places, dead } = state;
  const alone = ([0, 1] as const).find((side) => side !== dead && isUnseen(places[side].asks, of));
  for (const side of [0, 1] as const) {
    if (side === dead || (alone !== undefined && side !== alone)) continue;
    for (const answer of answersTo(state, side)) yield take(trees[side], state, side, answer);
  }
  if (of.death >= 0 && dead < 0 && alone === undefined && isSeen(places[of.death]!.asks))
    yield [`${of.death} dies`, { ...state, dead: of.death }];
}

/**
 * Whether the next step of a side is none that the other one could see, or see the effect of: then nothing is gained by letting the other
 * one go before it. Copies are such, because both are only copied by who may know that he is alone with these bytes, which is checked.
 */
function isUnseen<R extends Report>(asks: Ask | undefined, of: Exploration<R>): boolean {
  if (asks === undefined || asks.kind === "event") return false;
  return asks.kind === "read" || asks.kind === "write" || asks.kind === "gone" || of.coarse === true;
}

/** Whether the other side will be able to tell whether the step was done. To die before any other one is the same as to die before the next of these. */
function isSeen(asks: Ask | undefined): boolean {
  return asks?.kind === "store" || asks?.kind === "ring" || asks?.kind === "event";
}

/** What may come next for a side. */
function answersTo<R extends Report>({ places, bells, dead }: State<R>, side: 0 | 1): Answer[] {
  const { asks } = places[side];
  const other = places[1 - side]!;
  switch (asks?.kind) {
    case undefined:
      return [];
    case "load":
      return [other.memory.words.get(asks.index)!.value];
    case "read":
      return [Uint8Array.from({ length: asks.count }, (_, i) => other.memory.ring[asks.at + i]!)];
    case "gone":
      return [dead === 1 - side || other.report.hungUp ? 1 : 0];
    case "event": {
      const all: string[] = [...asks.own];
      if (asks.bell && bells[side]! > 0) all.push("bell");
      if (asks.socket && (dead === 1 - side || other.report.hungUp)) all.push("socket");
      return all;
    }
    default:
      return [undefined];
  }
}

function take<R extends Report>(
  tree: Tree<R>,
  state: State<R>,
  side: 0 | 1,
  answer: Answer,
): [string, State<R>] {
  const peer = side === 0 ? 1 : 0;
  const asks = state.places[side].asks!;
  let { bells, due, knownWritten, knownRead } = state;
  switch (asks.kind) {
    case "ring":
      bells = changed(bells, peer, 1);
      due = changed(due, peer, due[peer] - 1);
      if (due[peer] < 0) throw new Error(`${side} rings more often than the other one waits`);
      break;
    case "event":
      if (answer === "bell") bells = changed(bells, side, 0);
      break;
    case "store":
      if (tree.waits(asks)) due = changed(due, side, due[side] + 1);
      break;
    case "load": {
      const { words, written } = state.places[peer].memory;
      const { writtenSince, readSince } = words.get(asks.index)!;
      knownWritten = changed(knownWritten, peer, knownWritten[peer] | (written & ~writtenSince));
      knownRead = changed(knownRead, peer, knownRead[peer] | ~readSince);
      break;
    }
    case "read": {
      const bits = bitsOf(asks.at, asks.count);
      if ((knownWritten[peer] & bits) !== bits)
        throw new Error(`${side} reads bytes at ${asks.at} that it cannot know to be written`);
      knownRead = changed(knownRead, side, knownRead[side] & ~bits);
      break;
    }
    case "write": {
      const bits = bitsOf(asks.at, asks.bytes.length);
      if ((knownRead[peer] & bits) !== bits)
        throw new Error(`${side} writes over bytes at ${asks.at} that it cannot know to be read`);
      knownWritten = changed(knownWritten, side, knownWritten[side] & ~bits);
    }
  }
  const places = changed(state.places, side, tree.after(state.places[side], answer));
  const next = { places, bells, due, knownWritten, knownRead, dead: state.dead };
  return [`${side} ${saidOf(asks, answer)}`, next];
}

function changed<T>(pair: Pair<T>, side: 0 | 1, value: T): Pair<T> {
  if (pair[side] === value) return pair;
  return side === 0 ? [value, pair[1]] : [pair[0], value];
}

function bitsOf(at: number, count: number): number {
  return ((1 << count) - 1) << at;
}

/** Stops a run: the program has asked for something to which there is no answer yet. */
const stopped = Symbol("stopped");

class Tree<R extends Report> {
  readonly root: Place<R>;
  readonly #of: Exploration<R>;
  readonly #program: Program<R>;
  /** Those between two events. */
  readonly #resting = new Map<string, Place<R>>();
  #places = 0;

  constructor(of: Exploration<R>, side: 0 | 1) {
    this.#of = of;
    this.#program = of.programs[side];
    const stored = { value: 0, writtenSince: 0, readSince: 0 };
    const words = new Map(of.words.map((index) => [index, stored]));
    this.root = this.#run(undefined, { words, ring: new Uint8Array(of.ringBytes), written: 0 });
  }

  waits({ index, value }: { readonly index: number; readonly value: number }): boolean {
    return (value & 1) === 1 && this.#of.waitWords.includes(index);
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

function keyOf<R extends Report>(state: State<R>): string {
  const { places, bells, due, knownWritten, knownRead, dead } = state;
  const numbers = [places[0].id, places[1].id, bells, due, knownWritten, knownRead, dead];
  return numbers.join();
}

function fail(fault: string | undefined): void {
  if (fault !== undefined) throw new Error(fault);
}

function saidOf(asks: Ask, answer: Answer): string {
  const bytes = (some: Uint8Array): string => `[${some.join()}]`;
  switch (asks.kind) {
    case "load":
      return `loads ${asks.index}: ${String(answer)}`;
    case "store":
      return `stores ${asks.index}: ${asks.value}`;
    case "write":
      return `writes ${bytes(asks.bytes)} at ${asks.at}`;
    case "read":
      return `reads ${bytes(answer as Uint8Array)} at ${asks.at}`;
    default:
      return `${asks.kind} ${String(answer ?? "")}`;
  }
}

function told<R extends Report>(step: Step<R>): string {
  const lines: string[] = [];
  for (let at: Step<R> | undefined = step; at?.before !== undefined; at = at.before) lines.push(`  ${at.did}`);
  return lines.reverse().join("\n");
}
