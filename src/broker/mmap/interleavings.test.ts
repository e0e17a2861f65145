import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Words } from "../../os/words.ts";
import type { Found, Records } from "./records.ts";
import { RingHead } from "./ring-head.ts";
import { RingTail } from "./ring-tail.ts";
import { RingWord } from "./ring-words.ts";

/*
 * The real ends of a ring over a model of the memory: every load and store of a word, every part of a record, every lock and every bell is a
 * step, and all orders of the steps of two writers and a reader are gone through, with the death of a writer before any of its own.
 */

/** What somebody is about to do. */
interface Step {
  readonly says: string;
  /** Absent: it can always be done. */
  readonly can?: (world: World) => boolean;
  readonly run: (world: World) => number;
}

/** What all share. */
class World {
  readonly words: Map<number, number> = new Map([
    [RingWord.tail, start],
    [RingWord.head, start],
  ]);
  /** A place of the ring holds one record: by whom its bytes and its sum were written. */
  readonly places: (readonly [bytes: string, sum: string])[] = [
    ["", ""],
    ["", ""],
  ];
  locked: number | undefined;
  bells = 0;
}

/** Does a step and tells what came of it; throws `Pause` where that is not known yet. */
type Act = (step: Step) => number;
type Program = (act: Act) => void;

class Pause extends Error {}
const recordBytes = 16;
const size = 2 * recordBytes;
/** Positions begin anew after the first record. */
const start = 2 ** 32 - recordBytes;
const placeOf = (position: number): number => (position & (size - 1)) / recordBytes;

function wordsBy(act: Act): Words {
  return {
    load: (index) => act({ says: `loads ${index}`, run: ({ words }) => words.get(index) ?? 0 }),
    store: (index, value) =>
      void act({
        says: `stores ${index}: ${value}`,
        run: ({ words }) => words.set(index, value).size,
      }),
  };
}

/** Records without data: their text is their position and who wrote them. */
function recordsBy(act: Act, who: string, came: (text: string) => void): Records {
  const put = (position: number, part: 0 | 1) =>
    void act({
      says: `writes part ${part} at ${position}`,
      run({ places }) {
        const [bytes, sum] = places[placeOf(position)]!;
        const text = `${who}@${position}`;
        places[placeOf(position)] = part === 0 ? [text, sum] : [bytes, text];
        return 0;
      },
    });
  const nothing = (): void => {};
  const records = {
    size,
    writeBytes: (position: number) => put(position, 0),
    writeHead: (position: number) => put(position, 1),
    read(position: number): Found {
      let seen = "";
      const whole = act({
        says: `reads ${position}`,
        run({ places }) {
          const [bytes, sum] = places[placeOf(position)]!;
          seen = bytes;
          return Number(bytes === sum && bytes.endsWith(`@${position}`));
        },
      });
      came(whole === 1 ? "a record" : `torn: ${seen}`);
      const next = (position + recordBytes) >>> 0;
      return { position, next, bytes: Buffer.alloc(0), handed: 0, settled: false };
    },
    hand: nothing,
    settle: nothing,
  };
  return records as unknown as Records;
}

/** Ways of doing it wrong, each as the sources could do it. */
type Fault = "rings before it stores" | "does not look again" | "takes no turns";

function writer(
  index: number,
  count: number,
  fault: Fault | undefined,
  came: (text: string) => void,
): Program {
  return (act) => {
    const records = recordsBy(act, `w${index}`, () => {});
    const words = wordsBy(act);
    const tail = new RingTail(records, words);
    const ring = (): number =>
      act({ says: "rings", run: (world) => (world.bells = Math.min(1, world.bells + 1)) });
    for (let written = 0; written < count;) {
      if (fault !== "takes no turns")
        act({
          says: "takes its turn",
          can: ({ locked }) => locked === undefined,
          run: (world) => (world.locked = index),
        });
      if (fault === "rings before it stores" && tail.wakes()) ring();
      const added = tail.add([Buffer.alloc(0)], 0);
      if (added < 0) return came("its words make no sense");
      if (added > 0 && fault !== "rings before it stores" && tail.wakes()) ring();
      act({
        says: "gives its turn up",
        run(world) {
          world.locked = undefined;
          return 0;
        },
      });
      written += added;
      // A full ring is looked at again when it has changed.
      if (added === 0)
        act({
          says: "waits for room",
          can: ({ words: now }) => (now.get(RingWord.tail)! - now.get(RingWord.head)!) >>> 0 < size,
          run: () => 0,
        });
    }
  };
}

function reader(fault: Fault | undefined, came: (text: string) => void): Program {
  return (act) => {
    const words = wordsBy(act);
    const head = new RingHead(recordsBy(act, "r", came), words);
    for (;;) {
      const taken = head.take();
      if (taken === false) return came("its words make no sense");
      if (taken !== undefined) {
        head.settle(taken);
        continue;
      }
      if (fault === "does not look again") {
        words.store(RingWord.sleeping, (words.load(RingWord.sleeping) + 1) >>> 0);
      } else if (!head.sleep()) continue;
      act({
        says: "hears the bell",
        can: ({ bells }) => bells > 0,
        run: (world) => (world.bells = 0),
      });
      if (fault === "does not look again")
        words.store(RingWord.sleeping, (words.load(RingWord.sleeping) + 1) >>> 0);
      head.wake();
    }
  };
}

/** What one of them does next, when his steps so far had these outcomes, and what he has received. */
function replay(
  program: (came: (text: string) => void) => Program,
  outcomes: readonly number[],
): { readonly next: Step | undefined; readonly came: readonly string[] } {
  let next: Step | undefined;
  let at = 0;
  const came: string[] = [];
  const act: Act = (step) => {
    if (at < outcomes.length) return outcomes[at++]!;
    next = step;
    throw new Pause();
  };
  try {
    program((text) => came.push(text))(act);
  } catch (error) {
    if (!(error instanceof Pause)) throw error;
  }
  return { next, came };
}

interface State {
  readonly outcomes: readonly (readonly number[])[];
  readonly world: World;
  readonly dead: boolean;
  readonly story: readonly string[];
}

/** Goes through all states; returns how many there are, and what is wrong with the first that is. */
function explore(
  counts: readonly number[],
  terms: { readonly death?: boolean; readonly fault?: Fault } = {},
): { readonly states: number; readonly wrong: string | undefined } {
  const { death = false, fault } = terms;
  const programs = [
    ...counts.map(
      (count, index) =>
        (came: (text: string) => void): Program =>
          writer(index, count, fault, came),
    ),
    (came: (text: string) => void): Program => reader(fault, came),
  ];
  const seen = new Set<string>();
  const known = programs.map(() => new Map<string, ReturnType<typeof replay>>());
  const first = { outcomes: programs.map(() => []), world: new World(), dead: false, story: [] };
  const open: State[] = [first];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { outcomes, world, dead, story } = state;
    const views = programs.map((program, index) => {
      const key = outcomes[index]!.join();
      let view = known[index]!.get(key);
      if (view === undefined) known[index]!.set(key, (view = replay(program, outcomes[index]!)));
      return view;
    });
    const wrong = (what: string): { states: number; wrong: string } => ({
      states: seen.size,
      wrong: [what, ...story].join("\n"),
    });
    const odd = views.flatMap(({ came }) => came).find((text) => text !== "a record");
    if (odd !== undefined) return wrong(odd);
    let moved = false;
    for (const [index, { next }] of views.entries()) {
      if (next === undefined || (dead && index === 0)) continue;
      if (next.can?.(world) === false) continue;
      moved = true;
      const then = copyOf(world);
      const outcome = next.run(then);
      const after = outcomes.map((each, at) => (at === index ? [...each, outcome] : each));
      add({ outcomes: after, world: then, dead, story: [...story, `${index} ${next.says}`] });
    }
    if (death && !dead && views[0]!.next !== undefined) {
      const then = copyOf(world);
      // The system lets go of its lock.
      if (then.locked === 0) then.locked = undefined;
      add({ outcomes, world: then, dead: true, story: [...story, "0 dies"] });
    }
    const unread = world.words.get(RingWord.tail) !== world.words.get(RingWord.head);
    const unfinished = views
      .slice(0, -1)
      .some(({ next }, index) => next !== undefined && !(dead && index === 0));
    if (!moved && unfinished) return wrong("a writer waits for ever");
    // Whom a dead writer has not woken the slow look wakes.
    if (!moved && unread && !dead) return wrong("the reader sleeps while there is something");
  }
  return { states: seen.size, wrong: undefined };

  function add(state: State): void {
    const key =
      JSON.stringify([state.outcomes, state.dead]) +
      JSON.stringify([...state.world.words, state.world]);
    if (seen.has(key)) return;
    seen.add(key);
    open.push(state);
  }
}

function copyOf({ words, places, locked, bells }: World): World {
  const world = new World();
  for (const [index, value] of words) world.words.set(index, value);
  places.forEach((place, at) => (world.places[at] = place));
  world.locked = locked;
  world.bells = bells;
  return world;
}

const scenarios: Readonly<Record<string, () => ReturnType<typeof explore>>> = {
  "a writer and a reader": () => explore([2]),
  "a writer that fills the ring": () => explore([3]),
  "two writers": () => explore([1, 1]),
  "a writer that dies": () => explore([2], { death: true }),
  "a writer that dies beside another one": () => explore([1, 1], { death: true }),
};

for (const [name, run] of Object.entries(scenarios)) {
  test(`all interleavings: ${name}`, () => {
    const { states, wrong } = run();
    equal(wrong, undefined);
    ok(states > 100, `${states} states`);
  });
}

test("what is done wrong is found: bells, last looks, turns", () => {
  match(explore([2], { fault: "rings before it stores" }).wrong ?? "", /sleeps while/);
  match(explore([2], { fault: "does not look again" }).wrong ?? "", /sleeps while/);
  match(explore([1, 1], { fault: "takes no turns" }).wrong ?? "", /torn|no sense/);
});
