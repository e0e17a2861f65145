import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { trial } from "./trial.ts";

interface Told {
  readonly ok: boolean;
  readonly wrong: number;
  readonly findings: readonly { readonly about: string; readonly seen: string }[];
  readonly links: readonly unknown[];
}

test("the doctor tells programs what it found, in one object, and exits by it", async () => {
  const { code, out } = await trial(["doctor", "--json"]);
  const told = JSON.parse(out) as Told;
  equal(code, told.ok ? 0 : 8);
  equal(told.ok, told.wrong === 0);
  ok(told.findings.every(({ seen }) => seen !== ""));
  ok(told.findings.some(({ about }) => about === "addon"));
  ok(Array.isArray(told.links));
});

test("the doctor tells people a line for each", async () => {
  const { out } = await trial(["doctor"]);
  match(out, /^this machine\n/);
  match(out, /✓ node +Node \d+/);
});

test("needs that only a measurement answers are refused without one, and wrong ones are told", async () => {
  const without = await trial(["doctor", "--size", "4k"]);
  equal(without.code, 2);
  match(without.err, /--measure/);
  const wrong = await trial(["doctor", "--measure", "--size", "large"]);
  equal(wrong.code, 2);
  match(wrong.err, /--size takes a number/);
  equal((await trial(["doctor", "--measure", "--trust", "nobody"])).code, 2);
});
