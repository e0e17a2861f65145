import { deepStrictEqual, equal, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import type { ContractShape, JsonSchema } from "../../base/contract-shape.ts";
import type { Codec } from "../codec.ts";
import { protoContract } from "./proto-contract.ts";

suite("protobuf", () => {
  test("gives an absent property, null and an empty list back as they were", () => {
    const codec = answering({
      type: "object",
      properties: {
        always: { type: "array", items: { type: "string" } },
        sometimes: { type: "array", items: { type: "string" } },
        both: { type: ["string", "null"] },
      },
      required: ["always"],
    });
    for (const value of [
      { always: [] },
      { always: [""], sometimes: [] },
      { always: ["a"], sometimes: ["b"], both: null },
      { always: [], both: "" },
    ])
      deepStrictEqual(roundTrip(codec, value), value);
  });

  test("carries any JSON where nothing is said, undefined too", () => {
    const codec = answering({});
    for (const value of [undefined, null, 0, "", false, [], {}, { a: [1, { b: null }] }])
      deepStrictEqual(roundTrip(codec, value), value);
  });

  test("tells a number of an enum that it does not know", () => {
    const codec = answering({
      type: "object",
      properties: { state: { enum: ["placed", "shipped"] } },
      required: ["state"],
    });
    throws(() => codec.decode(Buffer.from([8, 9]), 0, 2), /9 is no value of .*newer version/);
  });

  test("finds the member of a union that a value fits best", () => {
    const text = { type: "string" };
    const object = (properties: object, required: string[]): JsonSchema => ({
      type: "object",
      properties,
      required,
    });
    const codec = answering({
      $defs: { Maybe: { type: ["boolean", "null"] } },
      type: "array",
      items: {
        anyOf: [
          object({ a: text }, ["a"]),
          object({ a: text, b: text }, ["a"]),
          object({ a: { type: "integer" } }, ["a"]),
          { type: "array", items: text },
          { $ref: "#/$defs/Maybe" },
        ],
      },
    });
    const value = [{ a: "" }, { a: "x", b: "" }, { a: 5 }, [], [""], true, null];
    deepStrictEqual(roundTrip(codec, value), value);
    throws(() => codec.encode([{ a: [] }]), /the value is none of/);
    throws(() => codec.encode([5]), /expected boolean, got number/);
  });

  test("tells the head of an upload from its items", () => {
    const text = { type: "string" };
    const { methods } = protoContract(
      shape({ kind: "upload", idempotent: false, head: text, in: text, out: text }),
    );
    const { head, input, decodePart } = methods.get("it")!;
    const first = Buffer.from(head!.encode("a"));
    const second = Buffer.from(input.encode("a"));
    deepStrictEqual(decodePart(first, 0, first.length), { part: "head", value: "a" });
    deepStrictEqual(decodePart(second, 0, second.length), { part: "item", value: "a" });
    throws(() => input.decode(first, 0, first.length), /second head/);
  });

  test("keeps the service's names", () => {
    const { service, methods } = protoContract(shape({ kind: "call", idempotent: false }));
    equal(service, "some_orders.v2.SomeOrders");
    equal(methods.get("it")!.path, "/some_orders.v2.SomeOrders/It");
  });
});

function shape(operation: ContractShape["operations"][string]): ContractShape {
  return { name: "some-orders", version: "2.0.1", operations: { it: operation } };
}

function answering(out: JsonSchema): Codec {
  return protoContract(shape({ kind: "call", idempotent: false, out })).methods.get("it")!.output;
}

function roundTrip(codec: Codec, value: unknown): unknown {
  const bytes = Buffer.from(codec.encode(value));
  return codec.decode(bytes, 0, bytes.length);
}
