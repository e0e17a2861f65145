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

  test("bounds how deep messages lie in each other, both ways", () => {
    const codec = answering({
      $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } },
      $ref: "#/$defs/Node",
    });
    let value: object = {};
    let memory = Buffer.alloc(0);
    for (let level = 0; level < 99; level++) {
      value = { next: value };
      memory = Buffer.concat([Buffer.from([10, ...lengthOf(memory)]), memory]);
    }
    deepStrictEqual(Buffer.from(codec.encode(value)), memory);
    deepStrictEqual(roundTrip(codec, value), value);
    for (let level = 0; level < 2; level++) {
      value = { next: value };
      memory = Buffer.concat([Buffer.from([10, ...lengthOf(memory)]), memory]);
    }
    throws(() => codec.encode(value), /more than 100 messages lie in each other/);
    throws(() => codec.decode(memory, 0, memory.length), /more than 100 messages/);
  });

  test("lets no message reach beyond its end", () => {
    const codec = answering({
      type: "object",
      properties: {
        inner: { type: "object", properties: { a: { type: "string" } } },
        b: { type: "string" },
      },
    });
    // The inner message is 2 bytes long, and the text that begins in it 3.
    const memory = Buffer.from([0x0a, 2, 0x0a, 3, 0x12, 1, 0x62]);
    throws(() => codec.decode(memory, 0, memory.length), /does not end where its length says/);
  });

  test("gives no two fields one name in JSON", () => {
    const text = { type: "string" };
    const properties = { "\u0101": text, a: text, "\u0102": text, 'a"b': text, aB: text };
    const { file } = protoContract(
      shape({ kind: "call", idempotent: false, out: { type: "object", properties } }),
    );
    const names = file.messageType.at(-1)!.field.map(({ jsonName }) => jsonName);
    equal(new Set(names).size, 5, names.join(", "));
    const unspeakable = Object.fromEntries(["[a]", "a", "a\\", "\n"].map((key) => [key, text]));
    const { file: odd } = protoContract(
      shape({
        kind: "call",
        idempotent: false,
        out: { type: "object", properties: unspeakable },
      }),
    );
    const fields = odd.messageType.at(-1)!.field;
    equal(new Set(fields.map(({ jsonName }) => jsonName)).size, 4);
    equal(new Set(fields.map(({ name }) => name)).size, 4);
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

/** A length as Protobuf writes it. */
function lengthOf({ length }: Buffer): number[] {
  return length < 128 ? [length] : [(length & 127) | 128, length >> 7];
}

function roundTrip(codec: Codec, value: unknown): unknown {
  const bytes = Buffer.from(codec.encode(value));
  return codec.decode(bytes, 0, bytes.length);
}
