import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { Parser } from "@asyncapi/parser";
import * as v from "valibot";
import * as z from "zod";
import {
  bytes,
  call,
  command,
  contract,
  document,
  event,
  gather,
  type AnyContract,
} from "../../contract/index.ts";
import { bind } from "../channels.ts";
import { asyncApi, type AsyncApiTerms } from "./document.ts";

interface Part {
  name: string;
  parts: Part[];
}
const Part: z.ZodType<Part> = z.lazy(() => z.object({ name: z.string(), parts: z.array(Part) }));
const Order = z.object({
  id: z.string(),
  pair: z.tuple([z.string(), z.number()]),
  part: Part.optional(),
  place: z.object({ city: z.enum(["Rome", "Oslo"]) }),
});

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    get: call({ in: z.string(), out: Order }),
    placed: event({ data: Order, key: "place.city", description: "An order was placed." }),
    ship: command({
      in: Order,
      out: z.string(),
      errors: { SOLD_OUT: Order, CLOSED: undefined },
      key: "id",
      deadline: "1h",
    }),
    label: document({ data: bytes({ max: 10 }), delivery: "at-most-once" }),
    note: document({ data: v.string() }),
    quote: gather({ in: Order, out: z.object({ price: z.number() }) }),
    tick: event(),
  },
);

const Newer = contract("orders", { version: "2.0.0" }, { placed: event({ data: z.string() }) });

/** What the official parser has against a document, the advice to use a newer version of AsyncAPI excepted. */
async function problems(
  contracts: readonly AnyContract[],
  terms: AsyncApiTerms = {},
): Promise<string[]> {
  const text = JSON.stringify(asyncApi(contracts, terms));
  const { document: parsed, diagnostics } = await new Parser().parse(text);
  const told = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
  return [
    ...(parsed === undefined ? ["it cannot be read"] : []),
    ...told.map(({ message, path }) => `${path.join("/")}: ${message}`),
  ];
}

// A document of any depth, to look at.
type Dug = any; // oxlint-disable-line typescript/no-explicit-any

test("the official parser finds nothing to say, whatever the brokers", async () => {
  deepEqual(await problems([Orders, Newer]), []);
  deepEqual(await problems([]), []);
  for (const address of ["kafka://k1:9092,k2:9092", "amqps://u:p@h:5671/shop", "memory:orders"])
    deepEqual(await problems([Orders], { servers: { main: address }, title: "Shop" }), []);
  const laidOut = { channel: "placed", shards: 24, retention: "24h", compacted: true } as const;
  deepEqual(await problems([Orders], { bindings: [bind(Orders.placed, laidOut)] }), []);
});

test("the owner sends events and questions, receives documents and commands, and has no calls in it", () => {
  const { operations, channels } = asyncApi([Orders]);
  deepEqual(
    Object.entries(operations).map(([id, { action }]) => `${id} ${String(action)}`),
    [
      "orders.placed send",
      "orders.ship receive",
      "orders.label receive",
      "orders.note receive",
      "orders.quote send",
      "orders.tick send",
    ],
  );
  equal(channels["orders.placed"]!["address"], "orders.1.placed");
  equal(
    channels["orders.placed"]!["description"],
    "Carries an event. Each group of consumers gets each message, at least once. Order is kept by place.city.",
  );
});

test("two major versions of a contract have names of their own", () => {
  const { channels } = asyncApi([Orders, Newer]);
  equal(channels["orders.v1.placed"]!["address"], "orders.1.placed");
  equal(channels["orders.v2.placed"]!["address"], "orders.2.placed");
});

test("a request says where its reply goes, and each declared error is a message", () => {
  const { operations, components }: Dug = asyncApi([Orders], { servers: { k: "kafka://k" } });
  const { reply } = operations["orders.ship"];
  deepEqual(reply.address, { location: "$message.header#/ce_replyto" });
  deepEqual(
    reply.messages.map(({ $ref }: { $ref: string }) => $ref.replace(/.*\//, "")),
    ["reply", "SOLD_OUT", "CLOSED", "failed"],
  );
  const soldOut = components.messages["orders.ship.SOLD_OUT"];
  deepEqual(soldOut.correlationId, { location: "$message.header#/ce_correlationid" });
  deepEqual(soldOut.payload.properties.code, { const: "SOLD_OUT" });
  deepEqual(soldOut.payload.required, ["code", "executed", "data"]);
  equal(operations["orders.placed"].reply, undefined);
});

test("headers are those of the CloudEvents binding of the protocol that is spoken", () => {
  const headers = (address: string): string[] => {
    const { components }: Dug = asyncApi([Orders], { servers: { main: address } });
    return Object.entries(components.schemas as Record<string, { required?: string[] }>).flatMap(
      ([name, { required = [] }]) => (name.endsWith("EventHeaders") ? required : []),
    );
  };
  deepEqual(headers("kafkas://k"), ["ce_specversion", "ce_id", "ce_source", "ce_type"]);
  deepEqual(
    headers("amqps://r"),
    ["specversion", "id", "source", "type"].map((name) => `cloudEvents:${name}`),
  );
});

test("the key of a message is described as Kafka has it, and channels as the adapters lay them out", () => {
  const bindings = [bind(Orders.placed, { channel: "placed", shards: 24, retention: "1h" })];
  const { components, channels, operations }: Dug = asyncApi([Orders], { bindings });
  deepEqual(components.messages["orders.placed"].bindings.kafka.key, {
    type: "string",
    enum: ["Rome", "Oslo"],
  });
  const { kafka, amqp } = channels["orders.placed"].bindings;
  deepEqual(
    [kafka.topic, kafka.partitions, kafka.topicConfiguration],
    ["placed", 24, { "retention.ms": 3_600_000 }],
  );
  deepEqual([amqp.is, amqp.exchange.type], ["routingKey", "fanout"]);
  equal(channels["orders.note"].bindings.amqp.is, "queue");
  equal(channels["orders.ship"].bindings.amqp.is, "routingKey");
  equal(operations["orders.tick"].bindings.amqp.deliveryMode, 2);
});

test("schemas are written in draft 07, and what has fields stands once", () => {
  const { components }: Dug = asyncApi([Orders]);
  const order = components.schemas.OrdersPlaced;
  deepEqual(order.properties.pair, {
    type: "array",
    items: [{ type: "string" }, { type: "number" }],
    additionalItems: false,
    minItems: 2,
    maxItems: 2,
  });
  doesNotMatch(JSON.stringify(components), /prefixItems|\$defs/);
  deepEqual(components.messages["orders.ship"].payload, {
    $ref: "#/components/schemas/OrdersPlaced",
  });
  deepEqual(components.messages["orders.label"].payload, {
    contentMediaType: "application/octet-stream",
    maxLength: 10,
  });
  equal("payload" in components.messages["orders.tick"], false);
});

test("servers stand without credentials, one for each host", () => {
  const servers = { main: "amqps://user:s3cret@h1:5671,h2:5672/shop", other: "kafkas://k:9093" };
  const told = asyncApi([Orders], { servers });
  deepEqual(told.servers, {
    main: { host: "h1:5671", protocol: "amqps", protocolVersion: "0.9.1", pathname: "/shop" },
    "main-2": { host: "h2:5672", protocol: "amqps", protocolVersion: "0.9.1", pathname: "/shop" },
    other: { host: "k:9093", protocol: "kafka-secure" },
  });
  doesNotMatch(JSON.stringify(told), /s3cret/);
  throws(
    () => asyncApi([Orders], { servers: { main: "s3cret" } }),
    (error: Error) => {
      match(error.message, /the server "main" cannot be described/);
      doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
});
