import { deepEqual, equal, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import {
  bytes,
  call,
  contract,
  describe,
  duplex,
  event,
  gather,
  notification,
  stream,
  upload,
} from "../../../contract/index.ts";
import type { AnyContract } from "../../../contract/contract.ts";
import type { Route } from "../route.ts";
import { bindRest } from "./bind-rest.ts";
import { routesOf } from "./routes.ts";
import type { RestTerms } from "./terms.ts";

const Id = z.string();
const Order = z.object({ id: Id, item: z.string() });

/** One line for each operation: `place: POST /orders body=whole → 201 whole`. */
function told(of: AnyContract, terms?: RestTerms): string[] {
  return routesOf(describe(of), terms).map(line);
}

function line({ member, method, path, params, body, bodyField, head, status, answer }: Route) {
  const given = params.map(
    ({ in: where, name, field, required }) =>
      `${where}:${name}${field === name ? "" : `=${field ?? "*"}`}${required ? "" : "?"}`,
  );
  const parts = [
    `${member}:`,
    `${method} ${path}`,
    ...given,
    ...(body === "none" ? [] : [`body=${body}${bodyField === undefined ? "" : `(${bodyField})`}`]),
    ...(head === "none" ? [] : [`head=${head}`]),
    `→ ${status}`,
    ...(answer === "none" ? [] : [answer]),
  ];
  return parts.join(" ");
}

const Everything = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: z.object({ item: z.string() }), out: Order }),
    get: call({ in: Id, out: Order, idempotent: true }),
    list: call({
      in: z.object({ page: z.int().optional(), tags: z.array(z.string()).optional() }),
      out: z.array(Order),
      idempotent: true,
    }),
    update: call({ in: z.object({ orderId: Id, item: z.string() }), out: Order }),
    replace: call({ in: Order, out: Order }),
    remove: call({ in: Id }),
    cancel: call({ in: z.object({ id: Id, reason: z.string() }), out: Order }),
    ship: call({ in: Id, out: Order }),
    getStatus: call({ in: z.object({ id: Id }), out: z.string(), idempotent: true }),
    find: call({ in: Id, out: Order }),
    countAll: call({ out: z.number() }),
    touched: notification({ in: z.object({ id: Id }) }),
    watch: stream({ in: Id, out: Order }),
    watchAll: stream({ out: Order }),
    export: stream({ in: z.object({ where: z.object({ item: z.string() }) }), out: Order }),
    import: upload({ in: Order, out: z.number() }),
    attach: upload({ head: z.object({ id: Id, name: z.string() }), in: bytes(), out: z.number() }),
    merge: upload({ head: z.object({ id: Id, how: z.object({}) }), in: bytes(), out: z.number() }),
    photo: call({ in: bytes(), out: bytes() }),
    chat: duplex({ in: z.string(), out: z.string() }),
    unknown: call({ in: z.any(), out: z.any() }),
  },
);

test("each operation has a place that follows from its name, its kind and its input", () => {
  deepEqual(told(Everything), [
    "place: POST /orders body=whole → 201 whole",
    "get: GET /orders/{orderId} path:orderId=* → 200 whole",
    "list: GET /orders query:page? query:tags? → 200 whole",
    "update: PATCH /orders/{orderId} path:orderId body=fields → 200 whole",
    "replace: PUT /orders/{orderId} path:orderId=id body=fields → 200 whole",
    "remove: DELETE /orders/{orderId} path:orderId=* → 204",
    "cancel: POST /orders/{orderId}/cancel path:orderId=id body=fields → 200 whole",
    "ship: POST /orders/{orderId}/ship path:orderId=* → 200 whole",
    "getStatus: GET /orders/{orderId}/status path:orderId=id → 200 whole",
    "find: POST /orders/{orderId}/find path:orderId=* → 200 whole",
    "countAll: POST /orders/count-all → 200 whole",
    "touched: POST /orders/{orderId}/touched path:orderId=id → 202",
    "watch: GET /orders/{orderId}/watch path:orderId=* → 200 items",
    "watchAll: GET /orders/watch-all → 200 items",
    "export: POST /orders/export body=whole → 200 items",
    "import: POST /orders/import body=items → 200 whole",
    "attach: POST /orders/{orderId}/attach path:orderId=id query:name body=bytes → 200 whole",
    "merge: POST /orders/{orderId}/merge path:orderId=id body=items head=fields → 200 whole",
    "photo: POST /orders/photo body=bytes → 200 bytes",
    "unknown: POST /orders/unknown body=whole → 200 whole",
  ]);
});

suite("other nouns", () => {
  const cases: [name: string, collection: string | undefined, expected: string][] = [
    ["entries", undefined, "get: GET /entries/{entryId} path:entryId=* → 200 whole"],
    [
      "order-lines",
      undefined,
      "get: GET /order-lines/{orderLineId} path:orderLineId=* → 200 whole",
    ],
    ["boxes", undefined, "get: GET /boxes/{boxId} path:boxId=* → 200 whole"],
    ["status", undefined, "get: GET /status/{statusId} path:statusId=* → 200 whole"],
    ["desk", undefined, "get: GET /desk/{deskId} path:deskId=* → 200 whole"],
    ["desk", "flights", "get: GET /flights/{flightId} path:flightId=* → 200 whole"],
  ];
  for (const [name, collection, expected] of cases)
    test(`${name}, collection ${collection ?? "not given"}`, () => {
      const one = contract(
        name,
        { version: "1.0.0" },
        {
          get: call({ in: Id, out: Order, idempotent: true }),
        },
      );
      deepEqual(told(one, collection === undefined ? {} : { collection }), [expected]);
    });
});

test("a text given to something that is no collection is no identity", () => {
  const Greeter = contract(
    "greeter",
    { version: "1.0.0" },
    {
      hello: call({ in: z.string(), out: z.string() }),
    },
  );
  deepEqual(told(Greeter), ["hello: POST /greeter/hello body=whole → 200 whole"]);
});

test("what is not declared idempotent is never a GET that somebody else repeats", () => {
  const Counters = contract(
    "counters",
    { version: "1.0.0" },
    {
      read: call({ in: Id, out: z.number() }),
      list: call({ out: z.array(z.number()), idempotent: "by-key" }),
    },
  );
  deepEqual(told(Counters), [
    "read: POST /counters/{counterId}/read path:counterId=* → 200 whole",
    "list: POST /counters/list → 200 whole",
  ]);
});

test("values that text cannot tell from others travel in the body", () => {
  const Things = contract(
    "things",
    { version: "1.0.0" },
    {
      list: call({ in: z.object({ name: z.string().nullable() }), out: Id, idempotent: true }),
      search: call({ in: z.looseObject({ q: z.string() }), out: Id, idempotent: true }),
      query: call({
        in: z.object({ q: z.union([z.string(), z.number()]) }),
        out: Id,
        idempotent: true,
      }),
      all: call({
        in: z.object({ kind: z.enum(["a", "b"]), n: z.number() }),
        out: Id,
        idempotent: true,
      }),
    },
  );
  deepEqual(told(Things), [
    "list: POST /things/list body=whole → 200 whole",
    "search: POST /things/search body=whole → 200 whole",
    "query: POST /things/query body=whole → 200 whole",
    "all: GET /things query:kind query:n → 200 whole",
  ]);
});

test("terms change what they name and nothing else", () => {
  const terms = bindRest(Everything, {
    base: "/api",
    routes: {
      place: "PUT /basket",
      get: { path: "/orders/{id}", status: 203 },
      list: { query: { page: "page-number", tags: "tag" } },
      update: { header: { item: "x-item" } },
      cancel: { method: "POST", path: "/orders/{orderId}/cancellation", body: { field: "reason" } },
      chat: false,
      ship: false,
    },
  }).terms;
  deepEqual(told(Everything, terms).slice(0, 8), [
    "place: PUT /api/basket body=whole → 200 whole",
    "get: GET /api/orders/{id} path:id=* → 203 whole",
    "list: GET /api/orders query:page-number=page? query:tag=tags? → 200 whole",
    "update: PATCH /api/orders/{orderId} path:orderId header:x-item=item → 200 whole",
    "replace: PUT /api/orders/{orderId} path:orderId=id body=fields → 200 whole",
    "remove: DELETE /api/orders/{orderId} path:orderId=* → 204",
    "cancel: POST /api/orders/{orderId}/cancellation path:orderId=id body=whole(reason) → 200 whole",
    "getStatus: GET /api/orders/{orderId}/status path:orderId=id → 200 whole",
  ]);
});

test("what is written down keeps its place, and what had it by convention moves", () => {
  const lines = told(Everything, { routes: { unknown: "POST /orders" } });
  deepEqual(
    lines.filter((text) => /^(?:place|unknown)/.test(text)),
    [
      "place: POST /orders/place body=whole → 200 whole",
      "unknown: POST /orders body=whole → 200 whole",
    ],
  );
});

test("declared errors have a status, which the terms can change for all or for one", () => {
  const errors = {
    NOT_FOUND: undefined,
    SOLD_OUT: undefined,
    OUT_OF_RANGE: undefined,
    ABORTED: undefined,
  };
  const Shop = contract(
    "shop",
    { version: "1.0.0" },
    {
      buy: call({ errors }),
      look: call({ errors }),
    },
  );
  const [buy, look] = routesOf(describe(Shop), {
    errors: { ABORTED: 503 },
    routes: { buy: { errors: { SOLD_OUT: 410, ABORTED: 423 } } },
  });
  deepEqual(buy?.errors, { NOT_FOUND: 404, SOLD_OUT: 410, OUT_OF_RANGE: 400, ABORTED: 423 });
  deepEqual(look?.errors, { NOT_FOUND: 404, SOLD_OUT: 409, OUT_OF_RANGE: 400, ABORTED: 503 });
});

test("reads may be kept and asked for again, unless the terms say otherwise", () => {
  const routes = routesOf(describe(Everything), {
    routes: { list: { cacheControl: "max-age=60" }, getStatus: { cacheControl: false } },
  });
  const byMember = Object.fromEntries(
    routes.map(({ member, cacheControl }) => [member, cacheControl]),
  );
  equal(byMember["get"], "no-cache");
  equal(byMember["list"], "max-age=60");
  equal(byMember["getStatus"], undefined);
  equal(byMember["place"], undefined);
  equal(byMember["watch"], undefined);
});

test("every problem of the terms is byMember at once, with where it is", () => {
  throws(
    () =>
      routesOf(describe(Everything), {
        base: "api",
        collection: "a b",
        errors: { X: 200 },
        routes: {
          nothing: "GET /x",
          place: { path: "orders", status: 302 },
          get: { method: "HEAD" as "GET", errors: { NOT_FOUND: 1 } },
        },
      }),
    /^[^\n]*orders has 8 problems:\n {2}1\. base "api"[^]*2\. collection "a b"[^]*3\. errors: [^]*4\. orders has no operation "nothing"[^]*5\. orders\.place: "orders"[^]*6\. orders\.place: status[^]*7\. orders\.get: "HEAD"[^]*8\. orders\.get: errors/,
  );
  throws(
    () =>
      routesOf(describe(Everything), {
        routes: {
          place: "GET /orders",
          get: "GET /orders/{orderId}/{other}",
          list: { path: "/orders/{page}" },
          update: "PUT /orders/{orderId}/{item}/{item}",
          export: "GET /export",
          photo: "GET /photo",
          unknown: "GET /unknown",
          cancel: { header: { nothing: "x-nothing" } },
        },
      }),
    (error: Error) => {
      const problems = error.message
        .split(/\n {2}(?=\d+\. )/)
        .slice(1)
        .map((text) => text.trim());
      deepEqual(
        problems.map((text) => text.replace(/\n[^]*$/, "")),
        [
          "1. orders.get (GET /orders/{orderId}/{other}): its input is one value, and its path has several parameters",
          '2. orders.list (GET /orders/{page}): "page" is in its path, and may be left out of its input',
          '3. orders.update (PUT /orders/{orderId}/{item}/{item}): "item" stands in two places',
          '4. orders.cancel (POST /orders/{orderId}/cancel): its input has no field "nothing"',
          '5. orders.export (GET /export): "where" cannot be told as text, and stands in its query',
          "6. orders.photo (GET /photo): its input cannot stand in path and query",
          "7. orders.unknown (GET /unknown): its input cannot stand in path and query.",
        ],
      );
      return true;
    },
  );
  throws(
    () => routesOf(describe(Everything), { routes: { place: "POST /x", ship: "POST /x" } }),
    /POST \/x is both orders\.place and orders\.ship/,
  );
});

test("what travels as a message has no place, and no terms give it one", () => {
  const Shop = contract(
    "orders",
    { version: "1.0.0" },
    { get: call({ in: Id, out: Order }), placed: event({ data: Order }), ask: gather({}) },
  );
  deepEqual(
    routesOf(describe(Shop)).map(({ member }) => member),
    ["get"],
  );
  deepEqual(routesOf(describe(Shop), { routes: { placed: false } }).length, 1);
  throws(
    () => routesOf(describe(Shop), { routes: { placed: "POST /placed", ask: "GET /ask" } }),
    /1\. orders\.placed: an event travels as a message [^]*2\. orders\.ask: a gather travels/,
  );
});
