// What goes out as OpenAPI comes back as the same contract at the same places.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { ContractShape, JsonSchema } from "../../../../base/contract-shape.ts";
import {
  bytes,
  call,
  contract,
  describe,
  notification,
  stream,
  upload,
} from "../../../../contract/index.ts";
import type { AnyContract } from "../../../../contract/contract.ts";
import { jsonSchema } from "../../../../schema/index.ts";
import { isRecord, pointerTokens } from "../../../../schema/dialect.ts";
import { routesOf } from "../../binding/routes.ts";
import { openApi } from "../document.ts";
import { importOpenApi } from "./import-openapi.ts";

const json = jsonSchema;
const id = json({ type: "string" });
const node: JsonSchema = {
  type: "object",
  properties: { name: { type: "string" }, next: { $ref: "#" } },
  required: ["name"],
};
const order = json({
  type: "object",
  properties: {
    id: { type: "string" },
    item: { type: "string", description: "What is wanted.", examples: ["kettle"] },
    part: { $ref: "#/$defs/Part" },
  },
  required: ["id", "item"],
  $defs: {
    Part: {
      type: "object",
      properties: { parts: { type: "array", items: { $ref: "#/$defs/Part" } } },
    },
  },
});

const Orders = contract(
  "orders",
  { version: "1.2.3" },
  {
    place: call({
      in: json({ type: "object", properties: { item: { type: "string" } }, required: ["item"] }),
      out: order,
      errors: { SOLD_OUT: order, CLOSED: undefined, NOT_FOUND: id },
      idempotent: "by-key",
      deadline: "3s",
      description: "Places an order. It may take long.",
    }),
    get: call({ in: id, out: order, idempotent: true }),
    list: call({
      in: json({
        type: "object",
        properties: {
          page: { type: "integer" },
          tags: { type: "array", items: { enum: ["a", "b"] } },
        },
      }),
      out: json({
        type: "array",
        items: { type: "object", properties: { id: { type: "string" } } },
      }),
      idempotent: true,
    }),
    update: call({
      in: json({
        type: "object",
        properties: { orderId: { type: "string" }, item: { type: "string" }, note: node },
        required: ["orderId", "item"],
        additionalProperties: false,
      }),
    }),
    replace: call({
      in: json({ type: "object", properties: { id: { type: "string" }, a: {} }, required: ["id"] }),
      key: "id" as never,
    }),
    remove: call({ in: id }),
    watch: stream({ in: id, out: order, idle: "10s" }),
    photo: call({ in: bytes({ max: 1000 }), out: bytes() }),
    import: upload({ in: order, out: json({ type: "integer" }) }),
    attach: upload({
      head: json({
        type: "object",
        properties: { id: { type: "string" }, name: { type: "string" } },
        required: ["id", "name"],
      }),
      in: bytes(),
    }),
    merge: upload({
      head: json({
        type: "object",
        properties: { id: { type: "string" }, how: { type: "object", properties: { a: {} } } },
        required: ["id", "how"],
      }),
      in: bytes(),
      out: id,
    }),
    touched: notification({
      in: json({ type: "object", properties: { id: { type: "string" } }, required: ["id"] }),
    }),
    countAll: call({ out: json({ type: "number" }) }),
  },
);

/** Without names: references written out, as far as they are no circle; fields in one order. */
function plain(shape: ContractShape): unknown {
  const operations = Object.entries(shape.operations).map(([member, told]) => {
    const { digest: _, ...operation } = told as typeof told & { digest?: string };
    const written = Object.entries(operation).map(([part, value]) => {
      const schemas = part === "errors" ? (value as Record<string, JsonSchema | null>) : undefined;
      if (schemas !== undefined)
        return [
          part,
          sorted(
            Object.fromEntries(
              Object.entries(schemas).map(([code, each]) => [code, each && inline(each, each, 0)]),
            ),
          ),
        ];
      return [part, isRecord(value) ? inline(value, value, 0) : value];
    });
    return [member, sorted(Object.fromEntries(written) as JsonSchema)];
  });
  return { name: shape.name, version: shape.version, operations: Object.fromEntries(operations) };
}

function inline(schema: unknown, root: JsonSchema, depth: number): unknown {
  if (Array.isArray(schema)) return schema.map((each) => inline(each, root, depth));
  if (!isRecord(schema)) return schema;
  if (depth > 12) return "deep";
  const { $defs: _, $ref, ...rest } = schema;
  if (typeof $ref !== "string")
    return sorted(mapped(rest, (part) => inline(part, root, depth + 1)));
  let target: unknown = root;
  for (const token of pointerTokens($ref.slice(1))) target = (target as JsonSchema)[token];
  return inline({ ...(target as JsonSchema), ...rest }, root, depth);
}

function mapped(record: JsonSchema, change: (part: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(record).map(([name, part]) => [name, change(part)]));
}

function sorted(record: JsonSchema): JsonSchema {
  const entries = Object.entries(record).map(
    ([keyword, part]) =>
      [keyword, keyword === "required" ? (part as string[]).toSorted() : part] as const,
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function comesBack(original: AnyContract): void {
  const document = openApi([original], { versions: "none" });
  const { contract: imported, binding, warnings } = importOpenApi(JSON.stringify(document));
  deepEqual(warnings, []);
  deepEqual(plain(describe(imported)), plain(describe(original)));
  const places = (shape: ContractShape, terms?: typeof binding.terms): unknown =>
    // The document has them by path.
    routesOf(shape, terms)
      .toSorted((a, b) => (a.member < b.member ? -1 : 1))
      .map(({ params, ...route }) => ({
        ...route,
        params: params.map(({ schema, ...rest }) => ({
          ...rest,
          schema: inline(schema, schema, 0),
        })),
      }));
  deepEqual(places(describe(imported), binding.terms), places(describe(original)));
}

test("a contract of all kinds comes back as it was", () => {
  comesBack(Orders);
  equal(importOpenApi(openApi([Orders])).binding.contract, "orders");
});

const field = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,6}$/).filter((name) => name !== "id");
const { schema } = fc.letrec<{ schema: JsonSchema; object: JsonSchema }>((tie) => ({
  object: fc
    .tuple(fc.dictionary(field, tie("schema"), { maxKeys: 4 }), fc.boolean())
    .map(([properties, all]) => ({
      type: "object",
      properties,
      ...(all && Object.keys(properties).length > 0 ? { required: Object.keys(properties) } : {}),
    })),
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonSchema>(
      { type: "string" },
      { type: "string", format: "date-time" },
      { type: "integer", minimum: 0 },
      { type: "number" },
      { type: "boolean" },
      { enum: ["a", "b", "c"] },
      { type: ["string", "null"] },
      {},
    ),
    tie("object"),
    fc.array(tie("schema"), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    tie("schema").map((items) => ({ type: "array", items })),
    tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
  ),
}));
const optional = fc.option(
  schema.map((each) => jsonSchema(each)),
  { nil: undefined },
);
const errors = fc.dictionary(fc.constantFrom("NOT_FOUND", "SOLD_OUT", "GONE"), optional);
const operation = fc
  .record({
    in: optional,
    out: optional,
    errors,
    idempotent: fc.boolean(),
    kind: fc.constantFrom("call", "stream", "upload", "notification"),
  })
  .map(({ kind, in: input, out, errors: codes, idempotent }) => {
    if (kind === "call") return call({ in: input, out, errors: codes as never, idempotent });
    if (kind === "stream") return stream({ in: input, out, errors: codes as never, idempotent });
    if (kind === "upload") return upload({ head: input, in: out, out, errors: codes as never });
    return notification({ in: input });
  });
const member = fc.oneof(
  field,
  fc.constantFrom("get", "list", "place", "update", "remove", "watch"),
);

test("any contract comes back as it was", () => {
  const contracts = fc.dictionary(member, operation, { minKeys: 1, maxKeys: 5 });
  fc.assert(
    fc.property(contracts, (operations) => {
      const { then: _, constructor: __, toJSON: ___, ...allowed } = operations;
      comesBack(contract("things", { version: "2.0.1" }, allowed as never));
    }),
    { numRuns: 300 },
  );
});
