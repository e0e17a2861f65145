import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError } from "../../base/error.ts";
import type { BrokerCapabilities } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Where } from "../where.ts";
import { messageFilter } from "./filter-of.ts";
import { dataBytesMax, expressionCharsMax } from "./expression.ts";

const nothing: Pick<BrokerCapabilities, "filters"> = { filters: [] };
const everything: Pick<BrokerCapabilities, "filters"> = {
  filters: ["type", "subject", "attributes"],
};

function envelope(given: Partial<Envelope> = {}): Envelope {
  return {
    id: "m-1",
    type: "orders.placed",
    source: "/shop",
    subject: "eu-7",
    time: 1_767_225_600_000,
    contentType: "application/json",
    attributes: { region: "eu", correlationid: "m-0" },
    data: new Uint8Array(10),
    ...given,
  };
}

async function wants(where: Where, given?: Partial<Envelope>, data?: unknown): Promise<boolean> {
  const filter = await messageFilter(where, nothing);
  const subject = envelope(given);
  return filter.wants(subject) && (filter.wantsData?.(subject, data) ?? true);
}

test("a filter judges by id, correlation, subject, type and attributes, and all that is given must hold", async () => {
  const rows: readonly (readonly [Where, boolean])[] = [
    [{}, true],
    [{ id: "m-1" }, true],
    [{ id: "m-2" }, false],
    [{ correlationId: "m-0" }, true],
    [{ correlationId: "m-1" }, true],
    [{ correlationId: "m-2" }, false],
    [{ subject: "eu-7" }, true],
    [{ subject: "eu-" }, false],
    [{ subject: "eu-*" }, true],
    [{ subject: "us-*" }, false],
    [{ type: "orders.placed" }, true],
    [{ type: "orders.paid" }, false],
    [{ attributes: { region: "eu" } }, true],
    [{ attributes: { region: ["us", "eu"] } }, true],
    [{ attributes: { region: ["us", "ap"] } }, false],
    [{ attributes: { tenant: "a" } }, false],
    [{ type: "orders.placed", subject: "us-*" }, false],
  ];
  for (const [where, expected] of rows)
    assert.equal(await wants(where), expected, JSON.stringify(where));
  assert.equal(await wants({ subject: "*" }, { subject: undefined }), false);
});

test("an expression judges by the data and the message", async () => {
  const data = { total: 120, lines: [{ sku: "a" }, { sku: "b" }], note: null };
  const rows: readonly (readonly [string, boolean])[] = [
    ["data.total > 100", true],
    ["data.total > 200.0", false],
    ["data.lines.exists(line, line.sku == 'b')", true],
    ["data.lines.all(line, line.sku == 'b')", false],
    ["has(data.gift) && data.gift", false],
    ["data.note == null", true],
    ["message.attributes.region in ['eu', 'us'] && message.source == '/shop'", true],
    ["timestamp(message.time) > timestamp('2027-01-01T00:00:00Z')", false],
  ];
  for (const [expression, expected] of rows)
    assert.equal(await wants({ data: expression }, {}, data), expected, expression);
});

test("what the broker can leave out is pushed down, and only that", async () => {
  const where: Where = {
    type: "orders.placed",
    subject: "eu-7",
    attributes: { region: "eu", tenant: ["a", "b"] },
    data: "data.total > 1",
  };
  assert.deepEqual((await messageFilter(where, everything)).pushedDown, {
    type: "orders.placed",
    subject: "eu-7",
    attributes: { region: "eu" },
  });
  assert.deepEqual((await messageFilter(where, { filters: ["type"] })).pushedDown, {
    type: "orders.placed",
  });
  assert.equal((await messageFilter(where, nothing)).pushedDown, undefined);
  assert.equal((await messageFilter({ subject: "eu-*" }, everything)).pushedDown, undefined);
});

test("what cannot be meant, or might cost too much, is refused before anything is consumed", async () => {
  const rows: readonly (readonly [object, RegExp])[] = [
    [{ subjekt: "a" }, /where\.subjekt is nothing to filter by/],
    [{ id: "" }, /where\.id is a text/],
    [{ attributes: { Region: "eu" } }, /no message has an attribute "Region"/],
    [{ attributes: { region: [] } }, /has 0 texts/],
    [{ data: "data.total >" }, /Unexpected token/],
    [{ data: "order.total > 1" }, /Unknown variable: order/],
    [{ data: "1 + 1" }, /its type is int/],
    [{ data: "data.name.matches('(a+)+$')" }, /regular expressions/],
    [{ data: "data.a.exists(x, data.b.exists(y, x == y))" }, /inside of another loop/],
    [{ data: `data.a == '${"a".repeat(expressionCharsMax)}'` }, /characters; 2000 are allowed/],
    [{ data: `${"(".repeat(40)}true${")".repeat(40)}` }, /maxDepth/],
    [{ data: Array.from({ length: 120 }, () => "data.a").join(" || ") }, /max/],
  ];
  for (const [where, message] of rows)
    await assert.rejects(messageFilter(where, everything), (error) => {
      assert.ok(isTrunklineError(error) && error.code === "INVALID_ARGUMENT", String(error));
      assert.match(error.message, message);
      return true;
    });
});

test("an expression that fails on a message, says no truth, or would look at too much says so", async () => {
  await assert.rejects(wants({ data: "data.total > 1" }, {}, {}), /No such key: total/);
  await assert.rejects(wants({ data: "data.total" }, {}, { total: 3 }), /neither true nor false/);
  await assert.rejects(
    wants({ data: "data.total > 1" }, { data: new Uint8Array(dataBytesMax + 1) }, { total: 3 }),
    /expressions look at 262144 at most/,
  );
});

test("an expression sees nothing of the objects but their own fields", async () => {
  for (const name of ["constructor", "__proto__", "toString"])
    await assert.rejects(wants({ data: `data.${name} == null` }, {}, {}), /No such key/);
});
