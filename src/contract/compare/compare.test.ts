import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import * as z from "zod";
import {
  bytes,
  call,
  contract,
  describe,
  document,
  event,
  gather,
  notification,
  stream,
} from "../index.ts";
import type { AnyContract } from "../contract.ts";
import { compareContracts } from "./compare.ts";

/** `operation where: what | old client, new server | new client, old server` */
function told(older: AnyContract, newer: AnyContract): string[] {
  return compareContracts(describe(older), describe(newer)).findings.map(
    ({ operation = "", where, change, oldClientNewServer, newClientOldServer }) =>
      `${operation} ${where}: ${change} | ${oldClientNewServer} | ${newClientOldServer}`,
  );
}

function pair(
  older: object,
  newer: object,
  versions: readonly [string, string] = ["1.0.0", "1.0.0"],
): readonly [AnyContract, AnyContract] {
  const [was, is] = versions as readonly ["1.0.0", "1.0.0"];
  return [
    contract("orders", { version: was }, older as {}),
    contract("orders", { version: is }, newer as {}),
  ];
}

test("what the caller sends breaks where it became narrower, what the server answers where it became wider", () => {
  const Old = z.object({ a: z.string(), b: z.int().min(1), c: z.enum(["x", "y"]) });
  const New = z.object({ a: z.string().min(2), b: z.int(), c: z.enum(["x", "z"]), d: z.string() });
  deepEqual(told(...pair({ put: call({ in: Old }) }, { put: call({ in: New }) })), [
    "put in.d: was added, and is required | breaks | ok",
    "put in.a: minLength 2 was added | breaks | ok",
    'put in.c: no longer allows "y" | breaks | ok',
    "put in.b: minimum was 1, is -9007199254740991 | ok | breaks",
    'put in.c: also allows "z" | ok | breaks',
  ]);
  deepEqual(told(...pair({ get: call({ out: Old }) }, { get: call({ out: New }) })), [
    "get out.b: minimum was 1, is -9007199254740991 | breaks | ok",
    'get out.c: also allows "z" | breaks | ok',
    "get out.d: was added, and is required | ok | breaks",
    "get out.a: minLength 2 was added | ok | breaks",
    'get out.c: no longer allows "y" | ok | breaks',
  ]);
});

test("nested fields, lists, records, unions, tuples and recursion are told by their place", () => {
  const tree = (name: z.ZodType): z.ZodType => {
    const Tree = z.object({
      name,
      get kids(): z.ZodType {
        return z.array(Tree);
      },
    });
    return Tree;
  };
  const gift = z.object({ kind: z.literal("gift"), from: z.string() });
  const sale = z.object({ kind: z.literal("sale"), price: z.number() });
  const lost = z.object({ kind: z.literal("lost") });
  const of = (name: z.ZodType, choices: z.ZodType, size: z.ZodType): object => ({
    put: call({
      in: z.object({
        lines: z.array(z.object({ size })),
        byName: z.record(z.string(), size),
        either: choices,
        pair: z.tuple([z.string(), size]),
      }),
    }),
    grow: call({ in: tree(name) }),
  });
  const older = of(z.string(), z.discriminatedUnion("kind", [gift, sale]), z.int());
  const newer = of(z.string().max(5), z.discriminatedUnion("kind", [sale, gift, lost]), z.number());
  deepEqual(
    told(...pair(older, newer)).filter((line) => !line.includes("imum")),
    [
      "put in.lines.*.size: was integer, is number | ok | breaks",
      "put in.byName.*: was integer, is number | ok | breaks",
      'put in.either: also allows { kind: "lost" } | ok | breaks',
      "put in.pair.1: was integer, is number | ok | breaks",
      "grow in.name: maxLength 5 was added | breaks | ok",
    ],
  );
});

test("kinds, promises, errors and operations are findings too", () => {
  const older = {
    kept: call({ in: z.object({ id: z.string() }), idempotent: true, key: "id", deadline: "2s" }),
    weak: call({ idempotent: true }),
    turned: call({ out: z.string() }),
    failing: call({ errors: { GONE: z.string(), LATE: undefined, SAME: z.string() } }),
    old: call({ in: z.string() }),
    tell: notification({ in: z.string() }),
  };
  const newer = {
    kept: call({ in: z.object({ id: z.string() }), idempotent: "by-key", deadline: "3s" }),
    weak: call({ idempotent: "by-key" }),
    turned: stream({ out: z.string() }),
    failing: call({ errors: { GONE: z.object({}), SAME: z.string(), NEW: undefined } }),
    renamed: call({ in: z.string() }),
    tell: notification({ in: z.string() }),
  };
  deepEqual(told(...pair(older, newer)), [
    "kept idempotent: was yes, is by-key | breaks | ok",
    "kept key: was id, is none | breaks | ok",
    "kept deadline: was 2000 ms, is 3000 ms | ok | ok",
    "weak idempotent: was yes, is by-key | breaks | ok",
    "turned kind: was call, is stream | breaks | breaks",
    "failing error GONE: was string, is object | breaks | breaks",
    "failing error LATE: was removed: older servers may still answer it | ok | breaks",
    "failing error NEW: was added: older clients take it for UNKNOWN | breaks | ok",
    "old operation: was removed, or renamed to renamed | breaks | ok",
    "renamed operation: was added | ok | breaks",
  ]);
});

test("a payload that comes, goes, or turns into bytes", () => {
  const older = {
    a: call({}),
    b: call({ in: z.string() }),
    c: call({ in: z.string() }),
    d: call({ out: z.string() }),
  };
  const newer = { a: call({ in: z.string() }), b: call({}), c: call({ in: bytes() }), d: call({}) };
  deepEqual(told(...pair(older, newer)), [
    "a in: was added | breaks | ok",
    "b in: was removed | ok | breaks",
    "c in: was a value, is bytes | breaks | breaks",
    "d out: was removed | breaks | ok",
  ]);
});

test("what cannot be judged is unknown, and never ok", () => {
  const older = { a: call({ in: v.string() }), b: call({ in: z.string().regex(/^a+$/) }) };
  const newer = { a: call({ in: v.string() }), b: call({ in: z.string().regex(/^[ab]+$/) }) };
  deepEqual(told(...pair(older, newer)), [
    "a in: cannot be compared whole: valibot gives no JSON Schema | unknown | unknown",
    'b in: pattern was "^a+$", is "^[ab]+$" | unknown | breaks',
  ]);
});

test("messages are compared too: a weaker delivery breaks who sends, a stronger one who relies on an older consumer", () => {
  const Order = z.object({ id: z.string() });
  const message = (delivery: "at-most-once" | "at-least-once" | "exactly-once") =>
    event({ data: Order, delivery });
  deepEqual(told(...pair({ a: message("at-least-once") }, { a: message("at-most-once") })), [
    "a delivery: was at-least-once, is at-most-once | breaks | ok",
  ]);
  deepEqual(told(...pair({ a: message("at-least-once") }, { a: message("exactly-once") })), [
    "a delivery: was at-least-once, is exactly-once | ok | breaks",
  ]);
  deepEqual(told(...pair({ a: event({ data: Order }) }, { a: document({ data: Order }) })), [
    "a kind: was event, is document | breaks | breaks",
  ]);
  const Wider = Order.extend({ note: z.string() });
  deepEqual(
    told(...pair({ a: event({ data: Order, key: "id" }) }, { a: event({ data: Wider }) })),
    ["a in.note: was added, and is required | breaks | ok", "a key: was id, is none | breaks | ok"],
  );
  const ask = gather({ in: Order, out: z.number() });
  deepEqual(told(...pair({ a: ask }, { a: gather({ in: Order, out: z.int() }) })), [
    "a out: was number, is integer | ok | breaks",
  ]);
});

test("the version must say what has changed", () => {
  const text = { a: call({ in: z.string() }) };
  const wider = { a: call({ in: z.string().optional() }), b: call({}) };
  const narrower = { a: call({ in: z.string().max(3) }) };
  const judged = (older: object, newer: object, from: string, to: string) => {
    const [was, is] = pair(older, newer, [from, to]);
    const { advised, declared, agrees } = compareContracts(describe(was), describe(is));
    return [advised, declared, agrees];
  };
  deepEqual(judged(text, text, "1.0.0", "1.0.0"), ["none", "none", true]);
  deepEqual(judged(text, wider, "1.0.0", "1.0.1"), ["minor", "patch", false]);
  deepEqual(judged(text, wider, "1.0.9", "1.1.0"), ["minor", "minor", true]);
  deepEqual(judged(text, narrower, "1.0.0", "1.1.0"), ["major", "minor", false]);
  deepEqual(judged(text, narrower, "1.0.0", "2.0.0"), ["major", "major", true]);
  deepEqual(judged(text, text, "1.1.0", "1.0.0"), ["none", undefined, false]);
  equal(
    judged({ a: call({ deadline: 5 }) }, { a: call({ deadline: 6 }) }, "1.0.0", "1.0.0")[0],
    "patch",
  );
});
