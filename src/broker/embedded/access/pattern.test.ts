import assert from "node:assert/strict";
import { test } from "node:test";

import { between, seededRandom } from "../../../base/random.ts";
import { Refusal } from "../refusal.ts";
import { literally, Pattern } from "./pattern.ts";

const usual: readonly (readonly [string, string, boolean])[] = [
  [".*", "", true],
  [".*", "orders", true],
  ["^$", "", true],
  ["^$", "orders", false],
  ["^amq\\.gen.*", "amq.gen-x", true],
  ["^amq\\.gen.*", "amqXgen-x", false],
  ["^(orders|billing)\\.", "billing.in", true],
  ["^(orders|billing)\\.", "my.billing.in", false],
  ["rder", "orders", true],
  ["^(?!secret).*$", "secret.a", false],
  ["^(?!secret).*$", "open.a", true],
  ["^(?=.*a)(?=.*b)", "xbxa", true],
  ["^(?=.*a)(?=.*b)", "xbx", false],
  ["^[a-z]{2,3}$", "abcd", false],
  ["^[a-z]{2,3}$", "abc", true],
  ["^[^.]+$", "a.b", false],
  ["^[]a]$", "]", true],
  ["^[a-]$", "-", true],
  ["(?i)^ORDERS$", "oRdErS", true],
  ["^(?i:A)b$", "aB", false],
  ["\\bb", "a.b", true],
  ["\\bb", "ab", false],
  ["^[[:alpha:]_]+$", "a_B", true],
  ["^\\d+\\.\\w+?$", "12.ab", true],
  ["^x{2}$", "xx", true],
  ["^x{,2}$", "x{,2}", true],
  ["(|a)+$", "b", true],
  ["(a*)*b", "aaac", false],
];

test("a pattern matches what the same of Perl matches", () => {
  for (const [source, text, matches] of usual)
    assert.equal(new Pattern(source).matches(text), matches, `${source} on ${text}`);
});

test("random patterns match what JavaScript's own match", (t) => {
  const seed = Math.floor(performance.now() * 1_000);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const pick = (of: readonly string[]): string => of[between(random, 0, of.length - 1)]!;
  const make = (depth: number): string => {
    if (depth === 0) return pick(["a", "b", ".", "[ab]", "[^a]", "^", "$", "\\b", "\\w"]);
    const inner = (): string => make(depth - 1);
    const quantity = pick(["*", "+", "?", "{0,2}", "{2}", "{1,}"]);
    return pick([
      `${inner()}${inner()}`,
      `(${inner()}|${inner()})`,
      `(?:${inner()})${quantity}`,
      `(?=${inner()})`,
      `(?!${inner()})`,
      inner(),
    ]);
  };
  for (let i = 0; i < 2_000; i++) {
    const source = make(3);
    const text = Array.from({ length: between(random, 0, 5) }, () => pick(["a", "b", "."])).join(
      "",
    );
    assert.equal(
      new Pattern(source).matches(text),
      new RegExp(source).test(text),
      `${source} on '${text}', seed ${seed}`,
    );
  }
});

test("no pattern takes more than its length times the name's", () => {
  for (const source of ["^(a+)+$", "^(a|a)*$", "^(.*)*(.*)*(.*)*x$", "(?=(?=(a*)*b)(a*)*b)*c"])
    assert.equal(new Pattern(source).matches(`${"a".repeat(254)}!`), false, source);
});

test("a pattern that cannot be read is refused with the place and the reason", () => {
  for (const [source, why] of [
    ["(a", /at 2, a \( has no \)/],
    ["a)", /a \) without a \(/],
    ["*a", /nothing to repeat/],
    ["[a", /a \[ has no \]/],
    ["(a)\\1", /\\1 is not supported/],
    ["a++", /possessive/],
    ["(?<=a)b", /only the groups/],
    ["(".repeat(40), /more than 32 groups/],
    ["(a{1000}){1000}", /more than 2000 steps/],
    ["(((){1000}){1000}){1000}", /more than 2000 steps/],
    ["a".repeat(1_001), /at most 1000/],
    ["[b-a]", /wrong way round/],
    ["a\\", /ends in a \\/],
  ] as const)
    assert.throws(
      () => new Pattern(source),
      (error) => error instanceof Refusal && why.test(error.message),
      source,
    );
});

test("a text that was made literal matches itself only", () => {
  const text = "a.b*(c)[d]{2}|^$\\";
  assert.equal(new Pattern(`^${literally(text)}$`).matches(text), true);
  assert.equal(new Pattern(`^${literally("a.b")}$`).matches("axb"), false);
});
