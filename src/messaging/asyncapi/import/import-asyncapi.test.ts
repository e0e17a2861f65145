import { deepEqual, equal, match, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonSchema } from "../../../base/contract-shape.ts";
import { info, operationsOf, type AnyContract } from "../../../contract/contract.ts";
import { compareContracts } from "../../../contract/compare/compare.ts";
import {
  bytes,
  command,
  contract,
  describe,
  document,
  event,
  gather,
} from "../../../contract/index.ts";
import { jsonSchema } from "../../../schema/index.ts";
import { bind } from "../../channels.ts";
import { asyncApi } from "../document.ts";
import { importAsyncApi } from "./import-asyncapi.ts";
import { messageModuleText } from "./module-text.ts";
import { planAsyncApi } from "./plan.ts";

const json = jsonSchema;
const tree: JsonSchema = {
  type: "object",
  properties: { name: { type: "string" }, next: { $ref: "#" } },
  required: ["name"],
};
const order = json({
  type: "object",
  properties: {
    id: { type: "string" },
    pair: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false },
    part: { $ref: "#/$defs/Part" },
    note: { type: ["string", "null"] },
  },
  required: ["id"],
  dependentRequired: { pair: ["part"] },
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
    placed: event({ data: order, key: "id" as never, description: "An order was placed." }),
    ticked: event({ delivery: "exactly-once" }),
    ship: command({
      in: order,
      out: json(tree),
      errors: { SOLD_OUT: order, CLOSED: undefined, LATE: json({ type: "number" }) },
      key: "id" as never,
      idempotent: "by-key",
      deadline: "1h",
    }),
    stop: command(),
    label: document({ data: bytes({ max: 10 }), delivery: "at-most-once" }),
    quote: gather({ in: order, out: json({ type: "number" }), deadline: "2s" }),
  },
);

/** What is not the same, definitions followed; and what only people read. */
function unlike(was: AnyContract, is: AnyContract): readonly unknown[] {
  const [older, newer] = [describe(was), describe(is)];
  const told = Object.entries(older.operations).filter(
    ([member, { description }]) => newer.operations[member]?.description !== description,
  );
  const version = older.version === newer.version ? [] : [newer.version];
  return [...compareContracts(older, newer).findings, ...told, ...version];
}

test("what goes out comes back as the same contract on the same channels", () => {
  const { contract: back, bindings, warnings } = importAsyncApi(asyncApi([Orders]));
  deepEqual(warnings, []);
  deepEqual(bindings, []);
  deepEqual(unlike(Orders, back), []);
});

test("a channel with a name of its own comes back bound to it", () => {
  const out = asyncApi([Orders], { bindings: [bind(Orders.placed, { channel: "shop.placed" })] });
  const { contract: back, bindings } = importAsyncApi(JSON.stringify(out));
  deepEqual(unlike(Orders, back), []);
  deepEqual(
    bindings.map(({ operation, terms }) => [operation === (back["placed"] as unknown), terms]),
    [[true, { channel: "shop.placed" }]],
  );
});

// From https://github.com/asyncapi/spec (Apache-2.0), as JSON.
function example(name: string): string {
  return readFileSync(
    join(import.meta.dirname, "../../../../test/asyncapi", `${name}.json`),
    "utf8",
  );
}

const examples: readonly (readonly [string, string, readonly string[], readonly RegExp[]])[] = [
  ["simple", "account-service", ["event sendUserSignedup"], [/"user\/signedup" is no name/]],
  ["oneof", "oneof-example", ["event onTestMsg", "event sendTest"], []],
  ["rpc-server", "rpc-server-example", ["document sendSumResult", "document sum"], [/"\{queue\}"/]],
  [
    "streetlights-kafka",
    "streetlights-kafka-api",
    ["event receiveLightMeasurement", "event turnOn", "event turnOff", "event dimLight"],
    [/streetlightId/, /turn\.on/, /turn\.off/, /dim/],
  ],
  [
    "adeo-kafka-request-reply",
    "adeo-asyncapi-case-study",
    ["command receiveACostingRequest"],
    [/no version/, /schemas in application\/vnd\.apache\.avro/, /reply: .*avro/, /\{env\}/],
  ],
];
for (const [file, name, operations, told] of examples)
  test(`AsyncAPI's own example ${file} is a contract, and what it cannot be is told`, () => {
    const { contract: made, warnings } = importAsyncApi(example(file));
    equal(made[info].name, name);
    deepEqual(
      operationsOf(made).map(([member, { kind }]) => `${kind} ${member}`),
      operations,
    );
    equal(warnings.length, told.length, warnings.join("\n"));
    for (const [index, pattern] of told.entries()) match(warnings[index]!, pattern);
  });

test("what an example says of a payload is checked", async () => {
  const { contract: made } = importAsyncApi(example("streetlights-kafka"));
  const { validate } = made["dimLight"]!.in["~standard"];
  equal((await validate({ percentage: 50 })).issues, undefined);
  equal((await validate({ percentage: 500 })).issues?.length, 1);
});

test("a document of 2.6 is read too: its schemas, its messages, its queues", () => {
  const {
    contract: made,
    bindings,
    warnings,
  } = importAsyncApi({
    asyncapi: "2.6.0",
    info: { title: "Light", version: "1.4" },
    channels: {
      "light.measured": {
        publish: {
          operationId: "onMeasured",
          message: { $ref: "#/components/messages/Measured" },
        },
        subscribe: {
          message: { oneOf: [{ payload: { type: "string" } }, { payload: { type: "number" } }] },
        },
      },
      jobs: {
        bindings: { amqp: { is: "queue" } },
        publish: { operationId: "job", message: { contentType: "application/octet-stream" } },
      },
    },
    components: {
      messages: {
        Measured: {
          payload: {
            type: "object",
            properties: { lumens: { type: "integer", minimum: 0 } },
            dependencies: { lumens: ["id"] },
          },
        },
      },
    },
  });
  deepEqual(warnings, []);
  equal(`${made[info].name} ${made[info].version}`, "light 1.4.0");
  const { operations } = describe(made);
  deepEqual(
    Object.entries(operations).map(([member, { kind }]) => `${kind} ${member}`),
    ["event onMeasured", "event subscribeLightMeasured", "document job"],
  );
  deepEqual(operations["onMeasured"]!.in, {
    type: "object",
    properties: { lumens: { type: "integer", minimum: 0 } },
    dependentRequired: { lumens: ["id"] },
  });
  deepEqual(operations["subscribeLightMeasured"]!.in, {
    anyOf: [{ type: "string" }, { type: "number" }],
  });
  deepEqual(
    bindings.map(({ terms }) => terms.channel),
    ["light.measured", "light.measured", "jobs"],
  );
});

test("what is no such document is refused, with what to do", () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /an AsyncAPI document is an object/],
    ["asyncapi: 3.0.0", /is not JSON.*convert it/s],
    [{ openapi: "3.1.0" }, /this is no AsyncAPI document/],
    [{ asyncapi: "1.2.0" }, /AsyncAPI "1.2.0" is not read/],
  ];
  for (const [given, told] of cases) throws(() => importAsyncApi(given), told);
});

test("references that lead nowhere, outside or in circles are told, and nothing hangs", () => {
  const { warnings } = importAsyncApi({
    asyncapi: "3.0.0",
    info: { title: "Odd", version: "1.0.0" },
    channels: {
      a: { address: "a", messages: { m: { payload: { $ref: "https://example.org/a.json" } } } },
      round: { $ref: "#/channels/round" },
    },
    operations: {
      one: { action: "send", channel: { $ref: "#/channels/a" } },
      two: { action: "send", channel: { $ref: "#/channels/round" } },
      three: { $ref: "other.json" },
    },
  });
  deepEqual(warnings, [
    "operations/two: is left out: it, or its channel, lies outside the document",
    "operations/three: is left out: it, or its channel, lies outside the document",
    'operations/one: the reference "https://example.org/a.json" points outside the document',
  ]);
});

test("the module says what it was made from, with nothing of the document as code", () => {
  const evil = '"); process.exit(1); //';
  const text = messageModuleText(
    planAsyncApi({
      asyncapi: "3.0.0",
      info: { title: `Odd ${evil}`, version: "1.0.0", description: "*/ process.exit(1) /*" },
      channels: { a: { address: "a.b", messages: { m: { payload: { const: evil } } } } },
      operations: { [evil]: { action: "send", channel: { $ref: "#/channels/a" } } },
    }),
    "odd.json",
  );
  match(text, /^\/\/ Made from odd\.json by `trunkline import asyncapi`/);
  match(text, /import \{ bind, contract, event \} from "trunkline";/);
  match(text, /bind\(Odd\w*\.processExit1, \{ channel: "a\.b" \}\)/);
  equal(text.includes("\n*/ process"), false);
  equal(text.includes('\\"); process.exit(1); //'), true);
});
