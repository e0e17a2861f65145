import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { bytes } from "./bytes.ts";
import { call } from "./call.ts";
import { contract } from "./contract.ts";
import { describe } from "./describe.ts";
import { digestOf, operationDigest } from "./digest.ts";
import { duplex } from "./duplex.ts";
import { notification } from "./notification.ts";
import type { Schema, StandardSchema } from "./schema.ts";
import { sha256 } from "./sha256.ts";
import { stream } from "./stream.ts";
import { upload } from "./upload.ts";

const Id = z.string();
const version = "1.2.0";

test("a contract is described as plain JSON, the wire's side of every schema", () => {
  const Orders = contract(
    "orders",
    { version },
    {
      get: call({
        in: z.object({
          id: Id,
          at: z
            .codec(z.iso.datetime(), z.date(), {
              decode: (text) => new Date(text),
              encode: (date) => date.toISOString(),
            })
            .default(new Date(0)),
        }),
        out: z.object({ n: z.string().transform(Number) }),
        errors: { NOT_FOUND: Id, GONE: undefined },
        idempotent: true,
        deadline: "2s",
        description: "Finds one",
      }),
      watch: stream({ out: bytes({ max: 9 }), idle: 50 }),
      nudge: notification({ in: v.object({ id: v.string() }), key: "id" }),
      store: upload({ head: z.object({ name: Id }), in: bytes(), key: "name" }),
    },
  );
  const described = describe(Orders);
  assert.deepEqual(JSON.parse(JSON.stringify(described)), described);
  const { in: input, digest, ...get } = described.operations["get"]!;
  assert.deepEqual(get, {
    kind: "call",
    description: "Finds one",
    idempotent: true,
    deadlineMs: 2000,
    out: { type: "object", properties: { n: { type: "string" } }, required: ["n"] },
    errors: { NOT_FOUND: { type: "string" }, GONE: null },
  });
  assert.deepEqual(input?.["required"], ["id"]);
  assert.match(digest, /^full:[0-9a-f]{32}$/);
  const watch = described.operations["watch"]!;
  assert.deepEqual(watch.out, { contentMediaType: "application/octet-stream", maxLength: 9 });
  assert.deepEqual([watch.kind, watch.idleMs, watch.in], ["stream", 50, undefined]);
  const { digest: _, ...store } = described.operations["store"]!;
  assert.deepEqual(store, {
    kind: "upload",
    idempotent: false,
    key: "name",
    head: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
    in: { contentMediaType: "application/octet-stream" },
  });
  const nudge = described.operations["nudge"]!;
  assert.deepEqual([nudge.kind, nudge.key], ["notification", "id"]);
  assert.deepEqual(nudge.in, { $comment: "valibot gives no JSON Schema" });
  assert.match(nudge.digest, /^part:/);
  assert.match(described.digest, /^part:/);
});

test("what JSON Schema cannot say leaves a comment, and the rest is told", () => {
  const odd = z.object({
    a: z.string(),
    list: z.array(z.object({ mark: z.custom<`#${string}`>() })),
  });
  const { in: input, digest } = describe(contract("c", { version }, { odd: call({ in: odd }) }))
    .operations["odd"]!;
  assert.equal(
    input?.["$comment"],
    "list.*.mark: Custom types cannot be represented in JSON Schema",
  );
  assert.deepEqual(input["required"], ["a", "list"]);
  assert.match(digest, /^part:/);
});

test("a digest does not depend on the order of anything, on descriptions, durations or the version", () => {
  const one = contract(
    "c",
    { version: "1.0.0" },
    {
      a: call({
        in: z.object({ x: z.number(), y: z.enum(["p", "q"]) }),
        errors: { ONE: Id, TWO: Id },
      }),
      b: call(),
    },
  );
  const two = contract(
    "c",
    { version: "1.1.0" },
    {
      b: call({ description: "B", deadline: "1s" }),
      a: call({
        in: z.object({ y: z.enum(["q", "p"]).describe("why"), x: z.number() }).meta({ title: "A" }),
        errors: { TWO: Id, ONE: Id },
      }),
    },
  );
  assert.equal(digestOf(one), digestOf(two));
  assert.match(digestOf(one), /^full:/);
});

test("a digest depends on all that a peer must agree on", () => {
  const variants = [
    call({ in: Id }),
    call({ in: z.number() }),
    call({ out: Id }),
    call({ in: Id, idempotent: true }),
    call({ in: Id, idempotent: "by-key" }),
    call({ in: z.object({ id: Id }) }),
    call({ in: z.object({ id: Id }), key: "id" }),
    call({ in: z.object({ id: Id.optional() }) }),
    call({ in: z.object({ description: Id }) }),
    call({ in: Id, errors: { GONE: undefined } }),
    call({ in: Id, errors: { GONE: Id } }),
    call({ in: bytes() }),
    stream({ in: Id }),
    notification({ in: Id }),
    upload({ in: Id }),
    upload({ in: Id, head: Id }),
    upload({ in: Id, head: z.number() }),
    upload({ in: Id, head: bytes() }),
    duplex({ in: Id }),
    duplex({ in: Id, head: Id }),
  ];
  const digests = variants.map((operation) =>
    operationDigest(operation as Parameters<typeof operationDigest>[0]),
  );
  assert.equal(new Set(digests).size, variants.length);
});

test("operations without a head have the digest that they had before there were heads", () => {
  const One = contract(
    "c",
    { version },
    {
      a: call({
        in: z.object({ id: Id }),
        out: z.number(),
        errors: { GONE: undefined },
        idempotent: true,
        key: "id",
      }),
      b: stream({ out: Id }),
      c: notification({ in: Id }),
    },
  );
  assert.equal(digestOf(One), "full:27b227bbcfeb1a37383218aa478e3c45");
});

test("libraries that give the same JSON Schema give the same digest", () => {
  const digest = (schema: StandardSchema): string =>
    digestOf(contract("c", { version }, { a: call({ in: schema }) }));
  const ofZod = z.object({ a: z.number(), b: z.enum(["x", "y"]), c: z.string().optional() });
  assert.equal(digest(ofZod), digest(type({ a: "number", b: "'x'|'y'", "c?": "string" })));
  assert.match(digest(ofZod), /^full:/);
});

test("a recursive schema has the same digest each time, whatever its library calls the definitions", () => {
  const tree = (): Schema => {
    const Tree = z.object({
      get left() {
        return Tree.optional();
      },
      get right() {
        return Tree.optional();
      },
    });
    return z.object({ tree: Tree, other: Tree });
  };
  const data = (): Schema => type({ data: "object.json" });
  for (const make of [tree, data]) {
    const digests = [make(), make()].map((schema) =>
      digestOf(contract("c", { version }, { a: call({ in: schema }) })),
    );
    assert.equal(digests[0], digests[1]);
    assert.match(digests[0]!, /^full:/);
  }
});

test("the digest's hash is SHA-256", () => {
  for (const length of [0, 1, 27, 28, 31, 32, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const text = "ä".repeat(length) + "x".repeat(length % 2);
    assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"));
  }
});
