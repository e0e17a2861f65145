import {
  bitsOf,
  Tree,
  type Answer,
  type Ask,
  type Layout,
  type Place,
  type Program,
  type Report,
} from "./places.ts";

/*
 * All interleavings of two programs that share memory, as far as they can be told apart. A state of both is a pair of places (see
 * places.ts), with what is on its way between them, and what each knows of the other.
 */

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

interface Exploration<R extends Report> extends Layout<R> {
  readonly programs: readonly [Program<R>, Program<R>];
  /** Words that are odd while their side waits. */
  readonly waitWords: readonly number[];
  /** One side may die, at any step. */
  readonly death: -1 | 0 | 1;
  /** Says what is wrong with a state in which nothing can happen any more. */
  checkEnd(state: State<R>): string | undefined;
}

/** States after which an exploration is given up: it is too large for a test, or does not end. */
const statesMax = 3_000_000;

/** Goes through all states, and returns how many there are. Throws with the steps to the first one that is wrong. */
export function explore<R extends Report>(of: Exploration<R>): number {
  const trees = [new Tree(of, of.programs[0]), new Tree(of, of.programs[1])] as const;
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
      for (const [did, next] of successors(of, trees, state)) {
        moved = true;
        const key = keyOf(next);
        if (seen.has(key)) continue;
        seen.add(key);
        open.push({ state: next, did, before: step });
      }
      if (!moved) fail(of.checkEnd(state));
    } catch (error) {
      throw new Error(
        `${String(error instanceof Error ? error.message : error)}, after\n${storyOf(step)}`,
        { cause: error },
      );
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
  const alone = ([0, 1] as const).find((side) => side !== dead && isUnseen(places[side].asks));
  for (const side of [0, 1] as const) {
    if (side === dead || (alone !== undefined && side !== alone)) continue;
    for (const answer of answersTo(state, side))
      yield take(trees[side], state, side, answer, of.waitWords);
  }
  if (of.death !== -1 && dead < 0 && alone === undefined && isSeen(places[of.death].asks))
    yield [`${of.death} dies`, { ...state, dead: of.death }];
}

/**
 * Whether the next step of a side is none that the other one could see, or see the effect of: then nothing is gained by letting the other
 * one go before it. Copies are such, because both are only copied by who may know that he is alone with these bytes, which is checked.
 */
function isUnseen(asks: Ask | undefined): boolean {
  return asks?.kind === "read" || asks?.kind === "write" || asks?.kind === "gone";
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
      if (asks.bell && bells[side] > 0) all.push("bell");
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
  waitWords: readonly number[],
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
      if ((asks.value & 1) === 1 && waitWords.includes(asks.index))
        due = changed(due, side, due[side] + 1);
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
      break;
    }
    case "gone":
  }
  const places = changed(state.places, side, tree.after(state.places[side], answer));
  const next = { places, bells, due, knownWritten, knownRead, dead: state.dead };
  return [`${side} ${saidOf(asks, answer)}`, next];
}

function changed<T>(pair: Pair<T>, side: 0 | 1, value: T): Pair<T> {
  if (pair[side] === value) return pair;
  return side === 0 ? [value, pair[1]] : [pair[0], value];
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

function storyOf<R extends Report>(step: Step<R>): string {
  const lines: string[] = [];
  for (let at: Step<R> | undefined = step; at?.before !== undefined; at = at.before)
    lines.push(`  ${at.did}`);
  return lines.toReversed().join("\n");
}
