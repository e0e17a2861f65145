import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { bytes } from "./bytes.ts";
import { call } from "./call.ts";
import { contract } from "./contract.ts";
import { inputSideProblems } from "./input-side.ts";
import { stream } from "./stream.ts";
import { upload } from "./upload.ts";
import type { StandardSchema } from "./schema.ts";

const version = "1.0.0";
const problemsOf = (schema: StandardSchema): string[] =>
  inputSideProblems(contract("c", { version }, { a: call({ in: schema }) })).map(
    ({ problem }) => problem,
  );

test("each payload that JSON cannot carry is named with its place and with what to write instead", () => {
  const Orders = contract(
    "orders",
    { version },
    {
      place: call({
        in: z.object({ at: z.date(), lines: z.array(z.object({ cents: z.bigint() })) }),
        out: z.map(z.string(), z.string()),
        errors: { LATE: z.object({ since: z.date().optional() }) },
      }),
      watch: stream({ in: z.string(), out: type({ at: "Date" }) }),
      store: upload({ head: z.object({ tags: z.set(z.string()) }), in: bytes() }),
    },
  );
  assert.deepEqual(inputSideProblems(Orders), [
    {
      operation: "place",
      where: "in",
      problem: "at is a Date, which JSON cannot carry",
      advice:
        "send text: z.iso.datetime(), or z.codec(z.iso.datetime(), z.date(), …) where the handler wants a Date",
    },
    {
      operation: "place",
      where: "in",
      problem: "lines.*.cents is a BigInt, which JSON cannot carry",
      advice: "send text: z.codec(z.string(), z.bigint(), …)",
    },
    {
      operation: "place",
      where: "out",
      problem: "it is or holds a Map, which JSON cannot carry",
      advice: "send an object or pairs: z.record(…), z.array(z.tuple([…]))",
    },
    {
      operation: "place",
      where: "error LATE",
      problem: "since is a Date, which JSON cannot carry",
      advice:
        "send text: z.iso.datetime(), or z.codec(z.iso.datetime(), z.date(), …) where the handler wants a Date",
    },
    {
      operation: "watch",
      where: "out",
      problem: "it is or holds a Date, which JSON cannot carry",
      advice:
        'send text: "string.date.iso", or "string.date.iso.parse" where the handler wants a Date',
    },
    {
      operation: "store",
      where: "head",
      problem: "tags is a Set, which JSON cannot carry",
      advice: "send an array: z.array(…)",
    },
  ]);
});

test("a field keeps its name where JSON Schema has a keyword of the same name", () => {
  const schema = z.object({
    properties: z.object({ items: z.tuple([z.string(), z.record(z.string(), z.date())]) }),
  });
  assert.deepEqual(problemsOf(schema), ["properties.items.1.* is a Date, which JSON cannot carry"]);
});

test("what travels as JSON is no problem, whatever the handler sees", () => {
  const fine: StandardSchema[] = [
    z.codec(z.iso.datetime(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    }),
    z.object({ n: z.string().transform(BigInt), u: z.undefined().optional(), any: z.any() }),
    z.coerce.date(),
    z.custom<`#${string}`>(),
    z.void(),
    type("string.date.iso.parse"),
    type({ "a?": "string | undefined" }),
    bytes(),
  ];
  for (const schema of fine) assert.deepEqual(problemsOf(schema), []);
});

test("classes that ArkType names are found, and a library without JSON Schema is not judged", () => {
  assert.deepEqual(problemsOf(type({ link: type.instanceOf(URL) })), [
    "it is or holds a URL, which JSON cannot carry",
  ]);
  assert.deepEqual(problemsOf(v.date()), []);
});

test("a library that only throws is believed for the whole value", () => {
  const refusing = (message: string): StandardSchema => ({
    "~standard": {
      version: 1,
      vendor: "other",
      validate: (value: unknown) => ({ value }),
      jsonSchema: {
        input: () => {
          throw new Error(message);
        },
      },
    },
  });
  assert.deepEqual(problemsOf(refusing("Date cannot be converted")), [
    "it is or holds a Date, which JSON cannot carry",
  ]);
  assert.deepEqual(problemsOf(refusing("target not known")), []);
});
