import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { Line } from "../log.ts";
import { verdictOf, type Effect, type Sent } from "./verdict.ts";

const sentOf = (id: string, key: string, n: number, follow = false): Sent => ({
  ...{ id, key, n, follow },
});
const effectsOf = (...texts: readonly string[]): Effect[] =>
  texts.map((text) => {
    const [kind = "", id = ""] = text.split(" ");
    return { kind, id };
  });
const linesOf = (...texts: readonly string[]): Line[] =>
  texts.map((text) => {
    const [what = "", ...rest] = text.split(" ");
    return { at: 0n, what, rest };
  });

test("a message without its effect is lost, and so is the one that should have followed it", () => {
  const sent = [sentOf("w.1.1", "a", 1, true), sentOf("w.2.1", "", 0)];
  const verdict = verdictOf(sent, effectsOf("placed w.1.1"), []);
  deepEqual(verdict.lost, ["followed w.1.1.f", "noted w.2.1"]);
});

test("an effect that is there twice, or of what was never committed, is doubled", () => {
  const sent = [sentOf("w.1.1", "a", 1)];
  const verdict = verdictOf(sent, effectsOf("placed w.1.1", "placed w.1.1", "placed w.9.1"), []);
  deepEqual(verdict.doubled, ["placed w.1.1", "placed w.9.1"]);
});

test("an effect after that of a later message of its key is out of order; other keys and kinds have orders of their own", () => {
  const sent = [sentOf("w.1.1", "a", 1, true), sentOf("w.2.1", "a", 2), sentOf("w.1.2", "b", 7)];
  const effects = effectsOf("placed w.2.1", "placed w.1.2", "placed w.1.1", "followed w.1.1.f");
  deepEqual(verdictOf(sent, effects, []).reordered, ["placed w.1.1"]);
});

test("a transaction that was said to be committed and is not there is lost; one that was said not to be there and is, is doubled", () => {
  const lines = linesOf("did w.1 1", "did w.2 2", "undid w.3", "undid w.4", "hung w.5");
  const sent = [sentOf("w.1.1", "", 0), sentOf("w.2.1", "", 0), sentOf("w.3.1", "", 0)];
  const effects = effectsOf("noted w.1.1", "noted w.2.1", "noted w.3.1");
  const verdict = verdictOf(sent, effects, lines);
  deepEqual([verdict.lost, verdict.doubled], [["transaction w.2"], ["transaction w.3"]]);
  equal(verdict.hung, 1);
  equal(verdict.committed, 2);
});
