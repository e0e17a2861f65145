import { equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { processMemory } from "./process-memory.ts";
import { End, Kernel, type Act, type Fault } from "./testing/handshake-world.ts";

/*
 * All orders in which two ends of a connection can come to an understanding about moving, over a socket that is played, each with one
 * call of the system that fails; and the end of everything after each step.
 */

interface Scenario {
  readonly acts: readonly [readonly Act[], readonly Act[]];
  /** Which end's system fails, and at what. */
  readonly fault?: readonly [0 | 1, Fault];
}

const faults: readonly Fault[] = [
  "memoryCreate",
  "memoryMap",
  "memorySeal",
  "bellCreate",
  "descriptorCopy",
  "watchStart",
  "watchStart of the bell",
  "watchStart of the socket",
  "socketSend",
  "socketReceive",
  "memorySeals",
  "socketPeer",
];
/** When these fail there is no way back. */
const late: ReadonlySet<Fault | undefined> = new Set([
  "watchStart of the bell",
  "watchStart of the socket",
] as const);
const usual: Scenario["acts"] = [["hear", 5], [6]];

const scenarios: Readonly<Record<string, Scenario>> = {
  "both send": {
    acts: [
      ["hear", 5],
      [6, 7],
    ],
  },
  "both send before they hear of it": {
    acts: [
      [4, "hear"],
      [6, 7],
    ],
  },
  "large frames wait for the move": { acts: [["hear", 70_000, 70_001, 5], []] },
  "both send, and end": {
    acts: [
      ["hear", 5, "end"],
      [6, "end"],
    ],
  },
  "the one that dialled leaves": { acts: [["hear", 5, "destroy"], [6]] },
  "the one that accepted leaves": {
    acts: [
      ["hear", 5],
      [6, "destroy"],
    ],
  },
};

for (const [name, scenario] of Object.entries(scenarios))
  test(`all orders of a move: ${name}`, () => ok(statesOf(scenario) > 5));

for (const fault of faults) {
  for (const side of [0, 1] as const) {
    test(`all orders of a move: ${fault} fails for ${side === 0 ? "who dialled" : "who accepted"}`, () =>
      ok(statesOf({ acts: usual, fault: [side, fault] }) > 5));
  }
}

type Choice = readonly [side: 0 | 1, event: string];

/** Goes through all states; each is come to by what has happened so far, from the beginning. */
function statesOf(scenario: Scenario): number {
  const seen = new Set<string>();
  const open: Choice[][] = [[]];
  for (let choices = open.pop(); choices !== undefined; choices = open.pop()) {
    try {
      const { key, next } = after(scenario, choices);
      if (seen.has(key)) continue;
      seen.add(key);
      for (const choice of next) open.push([...choices, choice]);
    } catch (error) {
      throw new Error(`after ${choices.map(([side, event]) => `${side} ${event}`).join(", ")}`, {
        cause: error,
      });
    }
  }
  return seen.size;
}

function after(
  { acts, fault }: Scenario,
  choices: readonly Choice[],
): { key: string; next: Choice[] } {
  const kernel = new Kernel();
  const endOf = (side: 0 | 1): End =>
    new End(kernel, side === 0, acts[side], fault?.[0] === side ? fault[1] : undefined);
  const ends = [endOf(0), endOf(1)] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  const taken = processMemory.bytes;
  for (const [side, event] of choices) ends[side].happen(event);
  for (const end of ends) end.check();
  const next = ([0, 1] as const).flatMap((side) =>
    ends[side].events().map((event): Choice => [side, event]),
  );
  const key = ends.map(({ log }) => log.join("|")).join("||");
  if (next.length === 0)
    checkEnd(ends, acts, acts.flat().includes("destroy") || late.has(fault?.[1]));
  for (const end of ends) end.destroy();
  for (const end of ends) end.rest();
  equal(kernel.open.size, 0, "descriptors are left open");
  equal(kernel.maps, 0, "memory is left mapped");
  equal(processMemory.bytes, taken, "memory is counted that was given back");
  return { key, next };
}

/** Nothing happens any more: both have moved or both have stayed, and everything has come; `cut`: both are told of the end. */
function checkEnd(ends: readonly [End, End], acts: Scenario["acts"], cut: boolean): void {
  if (cut) {
    for (const { reasons } of ends) equal(reasons.length, 1, "the end is not told");
    return;
  }
  equal(ends[0].mover.way, ends[1].mover.way, "one has moved and the other has not");
  for (const end of ends) equal(end.frames.length, end.other.sent.length, "something has not come");
  const over = acts.flat().includes("end");
  for (const { reasons, ended } of ends) {
    equal(ended, over);
    equal(reasons[0]?.kind, over ? "done" : undefined);
  }
}
