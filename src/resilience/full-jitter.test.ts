import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom, type Random } from "../base/random.ts";
import { fullJitter } from "./full-jitter.ts";

const waits = { baseMs: 5, capMs: 2_000 };

type Wait = (failures: number, random: Random) => number;

const exponential: Wait = (failures) => Math.min(waits.capMs, waits.baseMs * 2 ** failures);
const jittered: Wait = (failures, random) => fullJitter(failures, waits, random);

interface Event {
  readonly at: number;
  run(at: number): void;
}

/**
 * The model of AWS's simulator (aws-arch-backoff-simulator): so many clients change one value with optimistic locking, over a net with a delay
 * of |N(10, 2)| ms. Says how long it takes until all have, and how many writes that needs.
 */
function contend(clients: number, wait: Wait, random: Random): { ms: number; writes: number } {
  const events: Event[] = [];
  const later = (at: number, run: Event["run"]): void => void events.push({ at, run });
  let version = 0;
  let writes = 0;
  let ms = 0;
  const read = (at: number, failures: number): void =>
    later(at + delay(random), (served) => {
      const seen = version;
      later(served + delay(random), (answered) => write(answered, failures, seen));
    });
  const write = (at: number, failures: number, seen: number): void => {
    writes++;
    later(at + delay(random), (served) => {
      const won = seen === version;
      if (won) version++;
      later(served + delay(random), (answered) => {
        if (won) ms = Math.max(ms, answered);
        else read(answered + wait(failures, random), failures + 1);
      });
    });
  };
  for (let client = 0; client < clients; client++) read(0, 0);
  while (events.length > 0) {
    const next = events.reduce((first, each, i) => (each.at < events[first]!.at ? i : first), 0);
    const [event] = events.splice(next, 1);
    event!.run(event!.at);
  }
  return { ms, writes };
}

/** Box and Muller. */
function delay(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.abs(10 + 2 * normal);
}

function mean(clients: number, wait: Wait): { ms: number; writes: number } {
  const runs = Array.from({ length: 10 }, (_, run) =>
    contend(clients, wait, seededRandom(run, "contention")),
  );
  const sum = (of: "ms" | "writes"): number => runs.reduce((all, each) => all + each[of], 0);
  return { ms: sum("ms") / runs.length, writes: sum("writes") / runs.length };
}

describe("full jitter", () => {
  test("waits between nothing and a ceiling that doubles up to the cap", () => {
    assert.deepEqual(
      [0, 1, 2, 8, 9, 10_000].map((failures) => fullJitter(failures, waits, () => 0.5)),
      [2.5, 5, 10, 640, 1_000, 1_000],
    );
    assert.equal(
      fullJitter(3, waits, () => 0),
      0,
    );
  });

  for (const clients of [50, 100, 190])
    test(`${clients} who collide need at most 0.6 of the calls and 0.15 of the time that exponential waits need`, () => {
      const without = mean(clients, exponential);
      const full = mean(clients, jittered);
      assert.ok(full.writes <= 0.6 * without.writes, `${full.writes} of ${without.writes} writes`);
      assert.ok(full.ms <= 0.15 * without.ms, `${full.ms} of ${without.ms} ms`);
    });
});
