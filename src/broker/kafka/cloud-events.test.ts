// Records as the official SDK of CloudEvents reads and writes them.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { CloudEvent, Kafka, type KafkaMessage } from "cloudevents";
import * as fc from "fast-check";
import type { Envelope } from "../envelope.ts";
import { readEnvelope, writeRecord, type ReadRecord, type WrittenRecord } from "./record.ts";

const placed: Envelope = {
  id: "0198e5a2-7c1e-7000-8000-000000000001",
  type: "orders.placed",
  source: "/orders",
  subject: "o-7",
  time: Date.parse("2026-01-02T03:04:05.678Z"),
  contentType: "application/json",
  attributes: {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    schemaversion: "1.2.0",
    partitionkey: "o-7",
  },
  data: Buffer.from('{"item":"kettle"}'),
};

/** A record as a consumer of Kafka hands it to the SDK: headers as text. */
function received({ key, value, headers }: WrittenRecord): KafkaMessage<string> {
  const body = value?.toString();
  const text = [...headers].map(([name, each]) => [name.toString(), each.toString()]);
  return {
    headers: Object.fromEntries(text) as KafkaMessage["headers"],
    key: key?.toString() ?? "",
    value: body,
    body,
  } as KafkaMessage<string>;
}

/** What the SDK has written, as it lies in a topic. */
function stored({ headers, value, key }: KafkaMessage): ReadRecord {
  const body = typeof value === "string" ? value : JSON.stringify(value);
  return {
    topic: "orders",
    partition: 3,
    offset: 42,
    timestamp: 1_000,
    key: typeof key === "string" ? Buffer.from(key) : null,
    value: Buffer.from(body),
    headers: Object.entries(headers).flatMap(([name, text]) =>
      text === undefined ? [] : [[Buffer.from(name), Buffer.from(String(text))] as const],
    ),
  };
}

test("an envelope is a CloudEvent to the official SDK, valid, with all that it says", () => {
  const event = Kafka.toEvent(received(writeRecord(placed, false))) as CloudEvent<unknown>;
  equal(event.validate(), true);
  deepEqual(
    [event.specversion, event.id, event.type, event.source, event.subject],
    ["1.0", placed.id, placed.type, placed.source, placed.subject],
  );
  equal(Date.parse(event.time!), placed.time);
  equal(event.datacontenttype, "application/json");
  for (const [name, value] of Object.entries(placed.attributes)) equal(event[name], value);
});

for (const form of ["binary", "structured"] as const)
  test(`an event that the official SDK writes in its ${form} mode is read`, () => {
    const event = new CloudEvent({
      id: "e-1",
      type: "com.example.made",
      source: "/somewhere/else",
      subject: "s",
      time: "2026-01-02T03:04:05.678Z",
      datacontenttype: "application/json",
      partitionkey: "s",
      data: { n: 1 },
    });
    const { envelope, malformed } = readEnvelope(stored(Kafka[form]<{ n: number }>(event)));
    equal(malformed, undefined);
    deepEqual(
      { ...envelope, data: Buffer.from(envelope.data).toString() },
      {
        id: "e-1",
        type: "com.example.made",
        source: "/somewhere/else",
        subject: "s",
        time: Date.parse("2026-01-02T03:04:05.678Z"),
        contentType: "application/json",
        attributes: { partitionkey: "s" },
        data: '{"n":1}',
      },
    );
  });

test("any attributes that an envelope may have are valid to the official SDK", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
  const attributes = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,19}$/), text, {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(attributes, text, (given, subject) => {
      const own = new Set(["id", "type", "source", "subject", "time", "data", "specversion"]);
      const kept = Object.entries(given).filter(
        ([name]) => !own.has(name) && !name.startsWith("data"),
      );
      const envelope = { ...placed, subject, attributes: Object.fromEntries(kept) };
      const event = Kafka.toEvent(received(writeRecord(envelope, false))) as CloudEvent;
      equal(event.validate(), true);
      equal(event.subject, subject);
      for (const [name, value] of kept) equal(event[name], value);
    }),
  );
});
