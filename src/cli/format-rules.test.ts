// What the rules of the formats say, against the libraries and codecs that write and read the bytes.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import avsc from "avsc";
import * as fc from "fast-check";
import * as z from "zod";
import type { ContractShape, JsonSchema } from "../base/contract-shape.ts";
import { avroSchemaOf, type AvroSchema } from "../codec/avro/index.ts";
import { protoContract, type ProtoLock } from "../codec/protobuf/index.ts";
import { compareContracts } from "../contract/compare/compare.ts";
import { schemaPairs } from "../contract/compare/random-schemas.ts";
import { call, contract, describe } from "../contract/index.ts";
import { avroGaps } from "./avro-rules.ts";
import { formatRules } from "./format-rules.ts";

const pairs = 600;

function shapeOf(input: JsonSchema): ContractShape {
  return {
    name: "orders",
    version: "1.0.0",
    operations: { put: { kind: "call", idempotent: false, in: input } },
  };
}

function avroOf(input: JsonSchema): AvroSchema {
  return avroSchemaOf({ contract: shapeOf(input), operation: "put", part: "in" });
}

/** Whether Avro's own library can read with one schema what is written with the other. */
function resolves(reader: AvroSchema, writer: AvroSchema): boolean {
  const type = (schema: AvroSchema): avsc.Type =>
    avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true });
  try {
    type(reader).createResolver(type(writer));
    return true;
  } catch {
    return false;
  }
}

test("Avro's resolution is told as Avro's library does it", (t) => {
  let broken = 0;
  fc.assert(
    fc.property(schemaPairs, ([older, newer]) => {
      const [writer, reader] = [avroOf(older), avroOf(newer)];
      const gaps = avroGaps(reader, writer, true);
      if (gaps.length > 0) broken++;
      // A text that is JSON and one that is a text are the same to Avro, and not to us.
      const ours = gaps.filter(({ change }) => !change.includes("(json)"));
      if (resolves(reader, writer)) deepEqual(ours, []);
      else ok(gaps.length > 0, JSON.stringify([writer, reader]));
    }),
    { numRuns: pairs },
  );
  t.diagnostic(`${broken} of ${pairs} pairs break`);
  ok(broken > 10 && broken < pairs);
});

async function told(format: string, older: z.ZodType, newer: z.ZodType): Promise<string[]> {
  const of = (input: z.ZodType): ContractShape =>
    describe(contract("orders", { version: "1.0.0" }, { put: call({ in: input }) }));
  const rules = await formatRules[format]!("no.lock.json");
  return compareContracts(of(older), of(newer), rules)
    .findings.filter(({ change }) => change.startsWith(format))
    .map(
      (each) =>
        `${each.where}: ${each.change} | ${each.oldClientNewServer} | ${each.newClientOldServer}`,
    );
}

test("what Avro needs beside the schema: defaults, symbols, promotions", async () => {
  const older = z.object({ n: z.int(), state: z.enum(["a", "b"]), gone: z.string() });
  const newer = z.object({
    n: z.number(),
    state: z.enum(["a", "c"]),
    more: z.string(),
    maybe: z.string().optional(),
  });
  deepEqual(await told("avro", older, newer), [
    "in.state: avro: no longer has the symbol b | breaks | ok",
    "in.more: avro: was added without a default | breaks | ok",
    "in.n: avro: was long, is double | ok | breaks",
    "in.state: avro: also has the symbol c | ok | breaks",
    "in.gone: avro: was removed, and had no default | ok | breaks",
  ]);
});

test("what Protobuf writes without a lock is read as something else, and told", async () => {
  const older = z.object({ item: z.string(), note: z.string() });
  const newer = z.object({ id: z.string(), item: z.string(), note: z.string().optional() });
  deepEqual(await told("protobuf", older, newer), [
    "in.item: protobuf: number was 1, is 2 | breaks | breaks",
    "in.note: protobuf: number was 2, is 3 | breaks | breaks",
    "in.id: protobuf: number 1 was item, is id | ok | breaks",
  ]);
  const of = (input: z.ZodType, lock?: ProtoLock) =>
    protoContract(
      describe(contract("orders", { version: "1.0.0" }, { put: call({ in: input }) })),
      lock && { lock },
    );
  const crossed = (
    reader: ReturnType<typeof of>,
    writer: ReturnType<typeof of>,
    value: unknown,
  ): unknown => {
    const bytes = Buffer.from(writer.methods.get("put")!.input.encode(value) as Uint8Array);
    return reader.methods.get("put")!.input.decode(bytes, 0, bytes.length);
  };
  const value = { item: "kettle", note: "blue" };
  deepEqual(crossed(of(newer), of(older), value), { id: "kettle", item: "blue" });
  const { contract: name, lock } = of(older);
  const locked = { contracts: { [name]: lock } };
  deepEqual(crossed(of(newer, locked), of(older, locked), value), { id: "", ...value });
});

test("what Protobuf makes of types: labels, scalars, enums and messages within messages", async () => {
  const older = z.object({
    tags: z.string(),
    n: z.int(),
    deep: z.object({ flag: z.boolean() }),
    state: z.enum(["a", "b"]),
  });
  const newer = z.object({
    tags: z.array(z.string()),
    n: z.number(),
    deep: z.object({ flag: z.string() }),
    state: z.enum(["b", "a"]),
  });
  deepEqual(await told("protobuf", older, newer), [
    "in.tags: protobuf: label was single, is repeated | breaks | breaks",
    "in.n: protobuf: type was int64, is double | breaks | breaks",
    "in.deep.flag: protobuf: type was bool, is string | breaks | breaks",
    "in.state: protobuf: number of PUT_REQUEST_STATE_A was 1, is 2 | breaks | breaks",
    "in.state: protobuf: number of PUT_REQUEST_STATE_B was 2, is 1 | breaks | breaks",
  ]);
  equal((await told("protobuf", older, older)).length, 0);
});
