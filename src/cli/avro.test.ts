import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Schema } from "../contract/schema.ts";
import { trial } from "./trial.ts";

// Below the repository, so that the modules find `trunkline`.
const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });

class Folder {
  readonly #path: string = mkdtempSync(join(cache, "avro-"));

  path(name: string): string {
    return join(this.#path, name);
  }

  file(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true });
  }
}

const orders = `import { bytes, call, contract } from "trunkline";
import * as z from "zod";
export const Orders = contract("orders", { version: "1.0.0" }, {
  place: call({ in: z.object({ item: z.string() }), out: z.string(), errors: { SOLD_OUT: z.object({ item: z.string() }), GONE: undefined } }),
  picture: call({ in: z.string(), out: bytes() }),
});
`;

const placeInput = {
  type: "record",
  name: "PlaceInput",
  namespace: "orders",
  fields: [{ name: "item", type: "string" }],
};

test("trunkline avro prints a schema for each payload that is no bytes, or writes files", async () => {
  using folder = new Folder();
  const module = folder.file("orders.ts", orders);
  const printed = await trial(["avro", module]);
  equal(printed.code, 0, printed.err);
  const schemas = JSON.parse(printed.out) as Record<string, unknown>;
  deepEqual(Object.keys(schemas), [
    "orders.place.in",
    "orders.place.out",
    "orders.place.error.SOLD_OUT",
    "orders.picture.in",
  ]);
  deepEqual(schemas["orders.place.in"], placeInput);

  const out = folder.path("schemas");
  const { code, out: told } = await trial(["avro", module, "--out", out, "--json"]);
  equal(code, 0);
  equal((JSON.parse(told) as { written: string[] }).written.length, 4);
  const file = readFileSync(join(out, "orders.place.in.avsc"), "utf8");
  deepEqual(JSON.parse(file), placeInput);
});

test("trunkline import avro makes types and schemas that check values", async () => {
  using folder = new Folder();
  const schema = folder.file(
    "shipment.avsc",
    JSON.stringify({
      type: "record",
      name: "Shipment",
      namespace: "com.acme",
      fields: [
        { name: "id", type: "string" },
        { name: "state", type: { type: "enum", name: "State", symbols: ["PACKED", "SENT"] } },
        { name: "parts", type: ["null", { type: "array", items: "Shipment" }], default: null },
      ],
    }),
  );
  const out = folder.path("shipment.ts");
  const { code, err } = await trial(["import", "avro", schema, "--out", out]);
  equal(code, 0, err);
  const text = readFileSync(out, "utf8");
  match(
    text,
    /export interface Shipment \{\n {2}id: string;\n {2}state: State;\n {2}parts\?: Shipment\[\]/,
  );
  match(text, /export type State = "PACKED" \| "SENT";/);
  const { Shipment } = (await import(pathToFileURL(out).href)) as { Shipment: Schema };
  const check = (value: unknown) => Shipment["~standard"].validate(value);
  deepEqual(check({ id: "s-1", state: "SENT", parts: [{ id: "p", state: "PACKED" }] }), {
    value: { id: "s-1", state: "SENT", parts: [{ id: "p", state: "PACKED" }] },
  });
  const wrong = await check({ id: "s-1", state: "LOST" });
  equal(wrong.issues?.length, 1);
});

test("a type without a name goes by that of its file", async () => {
  using folder = new Folder();
  const schema = folder.file("all-numbers.avsc", '{"type":"array","items":"long"}');
  const { code, out } = await trial(["import", "avro", schema]);
  equal(code, 0);
  match(out, /export type AllNumbers = number\[\];/);
  match(out, /export const AllNumbers = jsonSchema<AllNumbers>/);
});

test("trunkline import avro says what is wrong with a file", async () => {
  using folder = new Folder();
  const wrong = [
    [folder.path("missing.avsc"), /cannot be read/],
    [folder.file("text.avsc", "record"), /cannot be read/],
    [folder.file("half.avsc", '{"type":"record","name":"A"}'), /the record A has no fields/],
  ] as const;
  for (const [file, why] of wrong) {
    const { code, err } = await trial(["import", "avro", file]);
    equal(code, 2);
    match(err, why);
  }
});
