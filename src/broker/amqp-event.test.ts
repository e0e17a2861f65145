// The adapter of RabbitMQ and the embedded broker write the same messages: whoever reads them cannot tell them apart.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { readProperties } from "../wire/amqp091/properties.ts";
import { readEvent } from "./amqp-event.ts";
import { propertiesOf } from "./amqp/message.ts";
import { writeEvent } from "./embedded/port/event-properties.ts";
import type { Envelope } from "./envelope.ts";

const placed: Envelope = {
  id: "0198e5a2-7c1e-7000-8000-000000000001",
  type: "orders.placed",
  source: "/orders",
  subject: "ö-7",
  time: Date.parse("2026-01-02T03:04:05.678Z"),
  contentType: "application/json",
  attributes: { schemaversion: "1.2.0", replyto: "box-1", correlationid: "ä".repeat(200) },
  data: Buffer.from('{"item":"kettle"}'),
};
const bare: Envelope = {
  ...placed,
  id: "x".repeat(300),
  subject: undefined,
  contentType: "application/octet-stream",
  attributes: {},
};
const spread: Envelope = { ...placed, attributes: { partitionkey: "ö-7#3", empty: "" } };

for (const [name, envelope] of Object.entries({ placed, bare, spread })) {
  test(`what both write of an envelope is the same: ${name}`, () => {
    const bytes = writeEvent(envelope, { persistent: true, priority: 0, expirationMs: undefined });
    const { deliveryMode, ...properties } = readProperties(bytes);
    equal(deliveryMode, 2);
    deepEqual({ ...properties, headers: { ...properties.headers } }, propertiesOf(envelope));
  });

  test(`what was written is read as it was: ${name}`, () => {
    const bytes = writeEvent(envelope, { persistent: false, priority: 3, expirationMs: 1_500 });
    const properties = readProperties(bytes);
    deepEqual([properties.priority, properties.expiration], [3, "1500"]);
    const message = { ...properties, exchange: "e", routingKey: "r" };
    const arrival = { wallMs: 0, newId: () => "new" };
    const { envelope: read, malformed } = readEvent(message, envelope.data, arrival);
    equal(malformed, undefined);
    deepEqual(read, envelope);
  });
}
