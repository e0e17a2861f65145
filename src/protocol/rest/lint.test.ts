import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import type { ContractShape, JsonSchema, OperationShape } from "../../base/contract-shape.ts";
import type { RestTerms, RouteTerms } from "./binding/terms.ts";
import { rules } from "./lint-rules.ts";
import { lintRest } from "./lint.ts";
import type { Method } from "./route.ts";

const text: JsonSchema = { type: "string" };
const order: JsonSchema = {
  type: "object",
  properties: { id: text, item: text },
  required: ["id"],
};
const list: JsonSchema = { type: "array", items: order };

function fields(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** The rules that have something to say to one operation. */
function said(
  member: string,
  operation: Partial<OperationShape>,
  route?: `${Method} /${string}` | RouteTerms,
  name: string = "orders",
): string[] {
  const shape: OperationShape = {
    kind: "call",
    idempotent: false,
    description: "It does what it says.",
    ...operation,
  };
  const contract: ContractShape = { name, version: "1.0.0", operations: { [member]: shape } };
  const terms = route === undefined ? {} : { routes: { [member]: route } };
  return lintRest(contract, { terms }).map(({ rule }) => rule);
}

const read = { idempotent: true, in: text, out: order, errors: { NOT_FOUND: null } } as const;

suite("each rule sees what it is there for, and lets pass what is as it should be", () => {
  type Case = Parameters<typeof said>;
  const cases: Record<string, { wrong: Case; right: Case }> = {
    "get-is-idempotent": {
      wrong: ["get", { ...read, idempotent: false }, "GET /orders/{orderId}"],
      right: ["get", read, "GET /orders/{orderId}"],
    },
    "method-is-idempotent": {
      wrong: ["remove", { in: text }],
      right: ["remove", { in: text, idempotent: "by-key" }],
    },
    "path-is-nouns": {
      wrong: ["cancelOrder", { in: text }, "POST /orders/{orderId}/cancel-order"],
      right: ["cancelOrder", { in: text }, "POST /orders/{orderId}/cancellations"],
    },
    "path-has-hyphens": {
      wrong: ["get", read, "GET /sales_orders/{id}"],
      right: ["get", read, "GET /sales-orders/{id}"],
    },
    "path-has-no-end": {
      wrong: ["get", read, "GET /orders/{id}/summary.json"],
      right: ["get", read, "GET /orders/{id}/summary"],
    },
    "collection-is-plural": {
      wrong: ["get", read, undefined, "order"],
      right: ["get", read],
    },
    "identity-in-path": {
      wrong: ["get", { ...read, in: fields({ orderId: text }) }, "GET /orders"],
      right: ["get", { ...read, in: fields({ orderId: text }) }],
    },
    "options-in-query": {
      wrong: ["list", { ...read, in: fields({ sort: text }), out: order }, "GET /orders/by/{sort}"],
      right: ["list", { ...read, in: fields({ sort: text }), out: order }, "GET /orders"],
    },
    "depth-is-bounded": {
      wrong: [
        "get",
        { ...read, in: fields({ a: text, b: text, c: text, d: text }) },
        "GET /as/{a}/bs/{b}/cs/{c}/ds/{d}",
      ],
      right: [
        "get",
        { ...read, in: fields({ a: text, b: text, c: text }) },
        "GET /as/{a}/bs/{b}/cs/{c}",
      ],
    },
    "reads-are-gets": {
      wrong: ["list", { idempotent: true, in: fields({ where: fields({ a: text }) }), out: order }],
      right: ["list", { idempotent: true, in: fields({ where: text }), out: order }],
    },
    "lists-have-pages": {
      wrong: ["list", { idempotent: true, out: list }],
      right: ["list", { idempotent: true, in: fields({ limit: { type: "integer" } }), out: list }],
    },
    "creation-names-what-it-made": {
      wrong: ["place", { in: order, out: fields({ item: text }) }],
      right: ["place", { in: order, out: order }],
    },
    "status-fits": {
      wrong: ["place", { in: order, out: order }, { status: 204 }],
      right: ["place", { in: order, out: order }, { status: 201 }],
    },
    "error-status-fits": {
      wrong: ["get", read, { errors: { NOT_FOUND: 503 } }],
      right: ["get", read, { errors: { NOT_FOUND: 410 } }],
    },
    "fetch-may-find-nothing": {
      wrong: ["get", { ...read, errors: {} }],
      right: ["get", { ...read, errors: {}, out: { anyOf: [order, { type: "null" }] } }],
    },
    "is-described": {
      wrong: ["get", { ...read, description: undefined as unknown as string }],
      right: ["get", read],
    },
    "inputs-are-known": {
      wrong: ["place", { in: { $comment: "valibot gives no JSON Schema" }, out: order }],
      right: ["place", { in: order, out: order }],
    },
  };

  for (const [rule, { wrong, right }] of Object.entries(cases))
    test(rule, () => {
      ok(said(...wrong).includes(rule), `it says ${said(...wrong).join(", ")}`);
      ok(!said(...right).includes(rule));
    });

  test("every rule has a case", () => {
    const others = Object.keys(rules).filter((rule) => !(rule in cases));
    deepEqual(others, ["contract-has-operations"]);
    equal(
      lintRest({ name: "x", version: "1.0.0", operations: {} })[0]?.rule,
      "contract-has-operations",
    );
  });
});

test("a contract that is as REST teaches has nothing to hear", () => {
  deepEqual(said("get", read), []);
  deepEqual(said("place", { in: fields({ item: text }), out: order, idempotent: "by-key" }), []);
  deepEqual(said("watch", { kind: "stream", in: text, out: order }), []);
});

test("a finding says where, what and what to do, and a rule can be switched off", () => {
  const shape: ContractShape = {
    name: "orders",
    version: "1.0.0",
    operations: {
      get: { kind: "call", idempotent: false, in: text, out: order, errors: { NOT_FOUND: null } },
    },
  };
  const terms: RestTerms = { routes: { get: "GET /orders/{orderId}" } };
  deepEqual(lintRest(shape, { terms, off: ["is-described"] }), [
    {
      rule: "get-is-idempotent",
      severity: "error",
      where: "orders.get (GET /orders/{orderId})",
      what: "GET is repeated by whoever likes, and this is not idempotent",
      advice: "say `idempotent: true` if it is, else bind it to POST",
    },
  ]);
});
