import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { tortureBroker } from "./broker.ts";
import type { Line } from "../log.ts";
import { verdictOf } from "./verdict.ts";

const lines = (...texts: readonly string[]): Line[] =>
  texts.map((text, index) => {
    const [what = "", ...rest] = text.split(" ");
    return { at: BigInt(index), what, rest };
  });

test("processes that share a broker lose nothing, whichever of them is killed", async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const told: string[] = [];
  const terms = { kills: 30, seed, progress: (text: string) => told.push(text) };
  const report = await tortureBroker(terms);
  ok(report.ok, `${report.told.join("\n")}\n${told.slice(-10).join("\n")}`);
  ok(told.some((text) => text.includes("the owner")));
});

test("what is confirmed and never seen is lost", () => {
  const verdict = verdictOf(
    lines("sent a 1", "confirmed a/1", "sent a 2", "confirmed a/2", "seen a/2 1"),
  );
  deepEqual(verdict.lost, ["a/1"]);
});

test("what comes again is doubled only after it was done for good", () => {
  const again = verdictOf(lines("seen a/1 1", "seen a/1 2", "done a/1 2"));
  deepEqual([again.doubled, again.repeated], [[], 1]);
  for (const attempt of [1, 2]) {
    const doubled = verdictOf(lines("seen a/1 1", "done a/1 1", `seen a/1 ${attempt}`));
    deepEqual([doubled.doubled, doubled.stale], [["a/1"], 0]);
  }
});

test("an earlier delivery that is read after a later one was done is stale, and not doubled", () => {
  const verdict = verdictOf(lines("seen a/1 2", "done a/1 2", "seen a/1 1"));
  deepEqual([verdict.doubled, verdict.stale], [[], 1]);
});

test("what comes first after a later one of its key is out of order", () => {
  const verdict = verdictOf(lines("seen a/2 1", "seen b/1 1", "seen a/1 1"));
  deepEqual(verdict.reordered, ["a/1"]);
});

test("who was told nothing in its time is hung, and who was told no is not", () => {
  const verdict = verdictOf(lines("hung a/1", "failed a/2 UNAVAILABLE no", "failed a/3 X maybe"));
  deepEqual([verdict.hung, verdict.refused, verdict.maybe], [1, 1, 1]);
  equal(verdict.confirmed, 0);
});
