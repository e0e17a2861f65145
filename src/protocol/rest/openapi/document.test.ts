import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import {
  bytes,
  call,
  contract,
  describe,
  duplex,
  notification,
  stream,
  upload,
  type AnyContract,
} from "../../../contract/index.ts";
import { jsonSchema } from "../../../schema/index.ts";
import { bindRest } from "../binding/bind-rest.ts";
import { openApi, type OpenApiTerms } from "./document.ts";

const Id = z.string();
interface Part {
  name: string;
  parts: Part[];
}
const Part: z.ZodType<Part> = z.lazy(() => z.object({ name: z.string(), parts: z.array(Part) }));
const Order = z.object({
  id: Id,
  item: z.string().meta({ description: "What is wanted.", examples: ["kettle"] }),
  parts: z.array(Part).optional(),
});

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    place: call({
      in: z.object({ item: z.string() }),
      out: Order,
      errors: { SOLD_OUT: z.object({ item: z.string() }), CLOSED: undefined },
      idempotent: "by-key",
      description: "Places an order. It may take long.",
    }),
    get: call({ in: Id, out: Order, errors: { NOT_FOUND: Id }, idempotent: true }),
    list: call({
      in: z.object({ page: z.int().optional(), tags: z.array(z.string()).optional() }),
      out: z.array(Order),
      idempotent: true,
    }),
    update: call({ in: z.object({ orderId: Id, item: z.string(), note: Part }), out: Order }),
    remove: call({ in: Id }),
    watch: stream({ in: Id, out: Order }),
    photos: stream({ in: Id, out: bytes() }),
    photo: call({ in: bytes({ max: 1000 }), out: bytes() }),
    import: upload({ in: Order, out: z.object({ count: z.number() }) }),
    attach: upload({ head: z.object({ id: Id, name: z.string() }), in: bytes(), out: z.number() }),
    merge: upload({ head: z.object({ id: Id, how: z.object({ x: Id }) }), in: Order, out: Id }),
    touched: notification({ in: z.object({ id: Id }) }),
    chat: duplex({ in: z.string(), out: z.string() }),
  },
);

const Newer = contract(
  "orders",
  { version: "2.0.0" },
  { get: call({ in: Id, out: z.object({ id: Id }), idempotent: true }) },
);

const Odd = contract(
  "odd-things",
  { version: "0.1.0" },
  {
    toString: call({ out: z.any() }),
    valibot: call({ in: v.object({ a: v.string() }), out: v.string() }),
    arktype: call({ in: type({ a: "string", "b?": "number[]" }), out: type("string | null") }),
    unions: call({ in: z.union([z.string(), z.object({ a: z.tuple([Id, Part]) })]) }),
    records: call({ out: z.record(z.string(), Order) }),
    given: call({
      in: jsonSchema({
        $ref: "#/$defs/Node",
        $defs: { Node: { properties: { next: { $ref: "#/$defs/Node" } } } },
      }),
      out: jsonSchema({
        type: "object",
        properties: { self: { $ref: "#" }, a: { $ref: "#/properties/self" } },
      }),
    }),
    nothing: call(),
  },
);

/** As the public linter sees it, all rules that it recommends. */
async function linted(contracts: readonly AnyContract[], terms: OpenApiTerms): Promise<string[]> {
  const license = { name: "MIT", identifier: "MIT" };
  const source = JSON.stringify(openApi(contracts, { ...terms, license }));
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source, config });
  return problems.map(
    ({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`,
  );
}

suite("a public linter finds nothing to say", () => {
  const corpus: Record<string, [readonly AnyContract[], OpenApiTerms]> = {
    "one contract of all kinds": [[Orders], {}],
    "two versions in paths": [[Orders, Newer], {}],
    "versions by header": [[Orders, Newer], { versions: { header: "api-version" } }],
    "versions by query and media type": [
      [Orders, Newer, Odd],
      { versions: [{ query: "version" }, "media-type"], mediaTypes: ["application/cbor"] },
    ],
    "schemas of every library": [[Odd], { versions: "none" }],
    "another place": [
      [Orders],
      {
        bindings: [
          bindRest(Orders, {
            base: "/api",
            routes: {
              list: { path: "/catalogue/orders", query: { page: "page-number" } },
              update: { header: { item: "x-item" }, body: { field: "note" } },
              chat: false,
            },
          }),
        ],
        except: ["orders.merge"],
        servers: ["https://api.example.org"],
      },
    ],
    "no contract at all": [[], {}],
  };
  for (const [name, [contracts, terms]] of Object.entries(corpus))
    test(name, async () => deepEqual(await linted(contracts, terms), []));
});

// oxlint-disable-next-line typescript/no-explicit-any -- whatever a test digs out of a document
type Dug = any;

function dug(contracts: readonly AnyContract[], terms?: OpenApiTerms): Dug {
  return JSON.parse(JSON.stringify(openApi(contracts, terms)));
}

test("paths carry the version, each operation its id, and duplexes are not there", () => {
  const { paths } = dug([Orders, Newer]);
  equal(paths["/v1/orders"].post.operationId, "orders.v1.place");
  equal(paths["/v2/orders/{orderId}"].get.operationId, "orders.v2.get");
  equal(dug([Orders]).paths["/v1/orders"].get.operationId, "orders.list");
  ok(!JSON.stringify(paths).includes("chat"));
  const base = bindRest(Orders, { base: "/api" });
  ok("/api/v1/orders" in dug([Orders], { bindings: [base] }).paths);
});

test("schemas have telling names and stand once", () => {
  const { components, paths } = dug([Orders]);
  deepEqual(Object.keys(components.schemas), [
    "Problem",
    "Order",
    "OrderPart",
    "OrdersImportOutput",
    "OrdersPlaceInput",
    "OrdersUpdateInput",
  ]);
  const { Order: told } = components.schemas;
  deepEqual(told.properties.item.examples, ["kettle"]);
  const listed = paths["/v1/orders"].get.responses["200"].content["application/json"].schema;
  deepEqual(listed, { type: "array", items: { $ref: "#/components/schemas/Order" } });
  ok(!JSON.stringify(components).includes("$defs"));
});

test("declared errors stand at their status, with their code and data", () => {
  const { paths } = dug([Orders]);
  const { responses } = paths["/v1/orders"].post;
  const { schema } = responses["409"].content["application/problem+json"];
  deepEqual(
    schema.oneOf.map((each: Dug) => each.properties.code.const),
    ["SOLD_OUT", "CLOSED"],
  );
  ok("404" in paths["/v1/orders/{orderId}"].get.responses);
  ok("4XX" in responses && "5XX" in responses);
});

test("items, bytes and heads are described", () => {
  const { paths } = dug([Orders]);
  const watched = paths["/v1/orders/{orderId}/watch"].get.responses["200"].content;
  deepEqual(Object.keys(watched), [
    "application/x-ndjson",
    "text/event-stream",
    "application/vnd.trunkline.items+json",
  ]);
  const photo = paths["/v1/orders/photo"].post.requestBody.content;
  deepEqual(Object.keys(photo), ["application/octet-stream"]);
  const merge = paths["/v1/orders/{orderId}/merge"].post.requestBody;
  deepEqual(Object.keys(merge.content), ["application/vnd.trunkline.items+json"]);
  deepEqual(Object.keys(merge["x-trunkline-head"].properties), ["how"]);
});

test("what is retired is deprecated", () => {
  const retired = { ...describe(Orders), deprecated: "2026-01-01" };
  const paths: Dug = openApi([retired, Newer]).paths;
  equal(paths["/v1/orders"].post.deprecated, true);
  equal(paths["/v2/orders/{orderId}"].get.deprecated, undefined);
});

test("a binding that cannot be is refused with its problems", () => {
  const wrong = bindRest(Orders, { routes: { get: "GET /orders/{a}/{b}" } });
  throws(() => openApi([Orders], { bindings: [wrong] }), /the REST binding of orders has/);
});

test("the title is the names of the contracts, the version the newest", () => {
  const { info } = dug([Odd, Orders, Newer]);
  deepEqual(info, { title: "odd-things, orders", version: "2.0.0" });
  match(openApi([]).openapi, /^3\.1\./);
});
