import { deepEqual, deepStrictEqual, equal, match, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import type { ContractShape, JsonSchema } from "../../base/contract-shape.ts";
import type { ProtoDocument } from "./proto-contract.ts";
import { protoContract } from "./proto-contract.ts";
import type { ProtoLock } from "./lock.ts";

const text: JsonSchema = { type: "string" };
const integer: JsonSchema = { type: "integer" };

suite("the lock of field numbers", () => {
  test("counts in the order of declaration where there is none", () => {
    const { lock } = documentOf({ a: text, b: integer });
    deepEqual(lock.messages["DoRequest"], { numbers: { a: 1, b: 2 } });
  });

  test("keeps the numbers of fields when one is put before them", () => {
    const old = documentOf({ a: text, b: text });
    const now = documentOf({ first: text, a: text, b: text }, locked(old));
    deepEqual(now.lock.messages["DoRequest"], { numbers: { first: 3, a: 1, b: 2 } });
  });

  test("never gives the number of a field that is gone to another, and says so in the file", () => {
    const old = documentOf({ a: text, gone: text });
    const now = documentOf({ a: text, added: text }, locked(old));
    deepEqual(now.lock.messages["DoRequest"], {
      numbers: { a: 1, added: 3 },
      reserved: { gone: 2 },
    });
    match(now.text(), /message DoRequest {\n {2}reserved 2;\n {2}reserved "gone";\n/);
    const { reservedName, reservedRange } = now.file.messageType.find(
      ({ name }) => name === "DoRequest",
    )!;
    deepEqual(reservedName, ["gone"]);
    deepEqual(
      reservedRange.map(({ start, end }) => [start, end]),
      [[2, 3]],
    );
  });

  test("gives a field that comes back its own number", () => {
    const old = documentOf({ a: text, b: text });
    const without = documentOf({ a: text }, locked(old));
    const again = documentOf({ c: text, a: text, b: text }, locked(without));
    deepEqual(again.lock.messages["DoRequest"], { numbers: { c: 3, a: 1, b: 2 } });
  });

  test("keeps a number under a new name when somebody renames it in the lock", () => {
    const old = documentOf({ a: text, b: text });
    const { contracts } = JSON.parse(
      JSON.stringify(locked(old)).replaceAll('"b":2', '"better":2'),
    ) as ProtoLock;
    const now = documentOf({ a: text, better: text }, { contracts });
    deepStrictEqual(read(now, written(old, { a: "1", b: "2" })), { a: "1", better: "2" });
  });

  test("keeps the numbers of an enum's values and of a union's members", () => {
    const union = (...types: JsonSchema[]): JsonSchema => ({ anyOf: types });
    const old = documentOf({ state: { enum: ["a", "b"] }, either: union(text, integer) });
    const now = documentOf(
      { state: { enum: ["new", "b"] }, either: union({ type: "boolean" }, integer, text) },
      locked(old),
    );
    deepEqual(now.lock.enums["DoRequestState"], {
      numbers: { new: 3, b: 2 },
      reserved: { a: 1 },
    });
    deepEqual(now.lock.messages["DoRequestEither"]!.numbers, { boolean: 3, integer: 2, string: 1 });
    match(now.text(), /reserved 1;\n {2}reserved "DO_REQUEST_STATE_A";/);
  });

  test("keeps what it knows of messages that are not there now", () => {
    const old = documentOf({ inner: { type: "object", properties: { a: text, b: text } } });
    const without = documentOf({ a: text }, locked(old));
    deepEqual(without.lock.messages["DoRequestInner"], { numbers: { a: 1, b: 2 } });
  });

  test("leaves out the numbers that belong to implementations of Protobuf", () => {
    const contracts = {
      "some@1": { messages: { DoRequest: { numbers: { a: 18_999 } } }, enums: {} },
    };
    const { lock } = documentOf({ a: text, b: text }, { contracts });
    equal(lock.messages["DoRequest"]!.numbers["b"], 20_000);
  });

  test("lets an old build read a new one's bytes, and a new build an old one's", () => {
    const old = documentOf({ a: text, gone: { type: "array", items: text } });
    const now = documentOf({ added: integer, a: text }, locked(old), ["a"]);
    deepStrictEqual(read(old, written(now, { added: 5, a: "x" })), { a: "x", gone: [] });
    deepStrictEqual(read(now, written(old, { a: "x", gone: ["y"] })), { a: "x" });
  });

  test("is not needed to see that without it numbers change their meaning", () => {
    const old = documentOf({ a: text, b: text });
    const now = documentOf({ first: text, a: text, b: text });
    const bytes = written(old, { a: "1", b: "2" });
    deepStrictEqual(read(now, bytes), { first: "1", a: "2", b: "" });
  });

  test("is read by nobody but its own contract", () => {
    const old = documentOf({ gone: text, a: text });
    const { contracts } = locked(old);
    const now = documentOf({ a: text }, { contracts: { "other@1": contracts["some@1"]! } });
    deepEqual(now.lock.messages["DoRequest"], { numbers: { a: 1 } });
  });

  test("does not help a field that has become another type: then the bytes are refused", () => {
    const old = documentOf({ a: text });
    const now = documentOf({ a: integer }, locked(old));
    throws(
      () => read(now, written(old, { a: "x" })),
      /some.v1.DoRequest.a: the peer sends another type; its field 1 has become another one/,
    );
    throws(() => written(now, { a: "x" }), /expected integer, got string/);
  });
});

/** A contract with one operation, which takes these properties. */
function documentOf(
  properties: Readonly<Record<string, JsonSchema>>,
  lock?: ProtoLock,
  required: readonly string[] = Object.keys(properties),
): ProtoDocument {
  const shape: ContractShape = {
    name: "some",
    version: "1.0.0",
    operations: {
      do: { kind: "call", idempotent: false, in: { type: "object", properties, required } },
    },
  };
  return protoContract(shape, lock === undefined ? {} : { lock });
}

function locked({ contract, lock }: ProtoDocument): ProtoLock {
  return JSON.parse(JSON.stringify({ contracts: { [contract]: lock } })) as ProtoLock;
}

function written(document: ProtoDocument, value: unknown): Buffer {
  return Buffer.from(document.methods.get("do")!.input.encode(value));
}

function read(document: ProtoDocument, bytes: Buffer): unknown {
  return document.methods.get("do")!.input.decode(bytes, 0, bytes.length);
}
