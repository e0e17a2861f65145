import { ok } from "node:assert/strict";
import { test } from "node:test";

import { Word } from "../../os/words.ts";
import { explore, type State } from "./testing/interleavings.ts";
import { newReport, shmSide, type Script, type SideReport } from "./testing/shm-side.ts";

/*
 * Two real `ShmStream`s over a model of the memory: every load, store, copy, bell and turn of the event loop is a step, and all orders of
 * them are gone through, with the death of one side between any two where that is asked for.
 */

interface Scenario {
  readonly ringBytes?: number;
  readonly scripts: readonly [Script, Script];
  readonly death?: 0 | 1;
}

const nothing: Script = { acts: [] };

const scenarios: Readonly<Record<string, Scenario>> = {
  "one write": { scripts: [{ acts: [3] }, nothing] },
  "two writes that fit": { scripts: [{ acts: [2, 2] }, nothing] },
  "a write around the end of the ring": { ringBytes: 2, scripts: [{ acts: [1, 2] }, nothing] },
  "a write that is larger than the ring": { scripts: [{ acts: [7] }, nothing] },
  "a write and the end": { scripts: [{ acts: [3, "end"] }, nothing] },
  "a write that is larger than the ring, and the end": {
    ringBytes: 2,
    scripts: [{ acts: [3, "end"] }, nothing],
  },
  "a write behind one that waits": { ringBytes: 2, scripts: [{ acts: [3, 1] }, nothing] },
  "a ring of a single byte": { ringBytes: 1, scripts: [{ acts: [2] }, nothing] },
  "the end alone, from both sides": { scripts: [{ acts: ["end"] }, { acts: ["end"] }] },
  "both sides write and end": { scripts: [{ acts: [1, "end"] }, { acts: ["end"] }] },
  "one answers what the other says": {
    ringBytes: 2,
    scripts: [{ acts: [1] }, { acts: [], echoes: true }],
  },
  "a reader that pauses": { scripts: [{ acts: [1, 1] }, { acts: [], pausesAt: 1 }] },
  "a reader that looks once more": { scripts: [{ acts: [1, 2] }, { acts: [], looks: 1 }] },
  "a reader that leaves": { scripts: [{ acts: [5] }, { acts: ["destroy"] }] },
  "the writer dies": { scripts: [{ acts: [5] }, nothing], death: 0 },
  "the writer dies as it ends": { scripts: [{ acts: [3, "end"] }, { acts: ["end"] }], death: 0 },
  "the other side of one that pauses dies": {
    ringBytes: 1,
    scripts: [nothing, { acts: ["pause", 2] }],
    death: 0,
  },
  "the reader dies": { scripts: [{ acts: [5] }, nothing], death: 1 },
};

/** They take a minute or two. */
const large: Readonly<Record<string, Scenario>> = {
  "writes around the end of the ring": { scripts: [{ acts: [3, 3] }, nothing] },
  "writes and the end": { scripts: [{ acts: [3, 2, "end"] }, nothing] },
  "a ring of a single byte, and the end": {
    ringBytes: 1,
    scripts: [{ acts: [2, "end"] }, nothing],
  },
  "both sides write, and both end": { scripts: [{ acts: [2, "end"] }, { acts: [1, "end"] }] },
  "both sides fill their rings": { ringBytes: 2, scripts: [{ acts: [3] }, { acts: [2] }] },
  "one answers what the other says in parts": {
    ringBytes: 2,
    scripts: [{ acts: [3] }, { acts: [], echoes: true }],
  },
  "a reader that pauses between writes": {
    scripts: [{ acts: [3, 3, "end"] }, { acts: [], pausesAt: 2 }],
  },
  "a reader that leaves between writes": { scripts: [{ acts: [3, 3] }, { acts: ["destroy"] }] },
  "the writer dies between writes": { scripts: [{ acts: [3, 3] }, nothing], death: 0 },
  "the reader dies between writes": { scripts: [{ acts: [3, 3] }, nothing], death: 1 },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  test(`all interleavings: ${name}`, () => ok(statesOf(scenario) > 100));
}

const asked = process.env["TRUNKLINE_INTERLEAVINGS"] === "all";
for (const [name, scenario] of Object.entries(large)) {
  const skip = asked ? false : "it is large: TRUNKLINE_INTERLEAVINGS=all";
  test(`all interleavings: ${name}`, { skip }, () => ok(statesOf(scenario) > 100));
}

function statesOf({ ringBytes = 4, scripts, death }: Scenario): number {
  return explore<SideReport>({
    programs: [shmSide(0, ringBytes, scripts[0]), shmSide(1, ringBytes, scripts[1])],
    newReport,
    ringBytes,
    words: Object.values(Word),
    waitWords: [Word.sleeping, Word.waiting],
    death: death ?? -1,
    checkEnd: (state) => faultOf(state, 0, scripts) ?? faultOf(state, 1, scripts),
  });
}

/** What a side has not got that it should have had, when nothing happens any more. */
function faultOf(
  { places, dead }: State<SideReport>,
  side: 0 | 1,
  scripts: readonly [Script, Script],
): string | undefined {
  if (side === dead) return undefined;
  const { report: own } = places[side];
  const { report: peer, memory } = places[side === 0 ? 1 : 0];
  if (own.acted < scripts[side].acts.length) return `${side} has not done all`;
  if (own.destroyed)
    return own.closed === "" ? `${side} is not told that it has closed` : undefined;
  const over = dead >= 0 || peer.destroyed;
  const published = memory.words.get(Word.tail)!.value;
  // Who pauses sees nothing of it before he goes on, unless he waits for something.
  if (own.paused)
    return own.closed === "" && over && own.confirmed < own.writes
      ? `${side} waits for who is gone`
      : undefined;
  if (own.came !== (over ? published : peer.given))
    return `${side} has ${own.came} bytes of ${over ? published : peer.given}`;
  if (own.endTold !== (memory.words.get(Word.ended)!.value !== 0))
    return `the end is told wrongly to ${side}`;
  if (!over && own.confirmed !== own.writes) return `${side} waits for the confirmation of a write`;
  if (over)
    return own.closed === "" ? `${side} does not notice that the other one is gone` : undefined;
  const wanted = own.ended && peer.ended ? "well" : "";
  return own.closed === wanted
    ? undefined
    : `${side} has closed "${own.closed}" and not "${wanted}"`;
}
