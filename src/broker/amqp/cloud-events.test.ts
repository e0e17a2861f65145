// The headers of a message as the official SDK of CloudEvents judges them. It has no binding for AMQP, so the prefix is taken away here.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { CloudEvent } from "cloudevents";
import type { Envelope } from "../envelope.ts";
import { propertiesOf } from "./message.ts";

const placed: Envelope = {
  id: "0198e5a2-7c1e-7000-8000-000000000001",
  type: "orders.placed",
  source: "/orders",
  subject: "ö-7",
  time: Date.parse("2026-01-02T03:04:05.678Z"),
  contentType: "application/json",
  attributes: { schemaversion: "1.2.0", replyto: "box-1", lane: "slow" },
  data: Buffer.from('{"item":"kettle"}'),
};

test("an envelope is a valid CloudEvent in the binding of AMQP, with all that it says", () => {
  const { headers = {}, contentType } = propertiesOf(placed);
  const attributes = Object.entries(headers as Record<string, unknown>).flatMap(([name, value]) =>
    name.startsWith("cloudEvents:") ? [[name.slice("cloudEvents:".length), value] as const] : [],
  );
  const event = new CloudEvent<unknown>({
    ...Object.fromEntries(attributes),
    datacontenttype: contentType,
    data: JSON.parse(Buffer.from(placed.data).toString()),
  } as ConstructorParameters<typeof CloudEvent<unknown>>[0]);
  equal(event.validate(), true);
  equal(event.specversion, "1.0");
  for (const name of ["id", "type", "source", "subject"] as const) equal(event[name], placed[name]);
  equal(Date.parse(event.time!), placed.time);
  equal(event.datacontenttype, placed.contentType);
  for (const [name, value] of Object.entries(placed.attributes)) equal(event[name], value);
});
