// What travels, as the official SDK of CloudEvents judges it: envelopes as a consumer of a broker gets them.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { CloudEvent, HTTP } from "cloudevents";
import * as z from "zod";
import { realEnv } from "../base/real-env.ts";
import { systemError } from "../base/error.ts";
import type { Delivery } from "../broker/broker.ts";
import { channel } from "../broker/channel.ts";
import type { Envelope } from "../broker/envelope.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { membersOf } from "../call/compile.ts";
import { bytes, command, contract, document, event } from "../contract/index.ts";
import { composeEnvelope } from "./message-text.ts";
import { replyTo } from "./replies/reply.ts";

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    placed: event({ data: z.object({ id: z.string() }), key: "id" }),
    label: document({ data: bytes() }),
    ship: command({ in: z.object({ id: z.string() }), out: z.string() }),
  },
);
const members = membersOf(Orders);

/** The event of an envelope, refused by the SDK where it is none. */
function judged(envelope: Envelope): CloudEvent<unknown> {
  const { id, type, source, subject, time, contentType, attributes, data } = envelope;
  const text = new Date(time).toISOString();
  return new CloudEvent({
    ...attributes,
    id,
    type,
    source,
    ...(subject === undefined ? {} : { subject }),
    time: text,
    datacontenttype: contentType,
    data: contentType === "application/json" ? JSON.parse(Buffer.from(data).toString()) : data,
  });
}

/** What comes out of a broker that it was published to. */
async function delivered(envelope: Envelope): Promise<Envelope> {
  await using broker = memoryBroker();
  const to = channel({ name: "it", shape: "queue" });
  await broker.declare([to]);
  await broker.publish([{ channel: to, envelope }]);
  const { promise, resolve } = Promise.withResolvers<Delivery>();
  await broker.consume({ channel: to, group: undefined, prefetch: 1 }, ([first]) =>
    resolve(first!),
  );
  const delivery = await promise;
  await delivery.ack();
  return delivery.envelope;
}

function envelopeOf(index: number, value: unknown): Envelope {
  const terms = { source: "/shop", attributes: { tenant: "acme" }, expires: "1h", lane: "slow" };
  return composeEnvelope(members[index]!, value, terms as never, realEnv());
}

test("an event is a CloudEvent that is valid, with its key as its subject", async () => {
  const told = judged(await delivered(envelopeOf(0, { id: "o-7" })));
  equal(told.validate(), true);
  deepEqual(
    [told.type, told.source, told.subject, told.data],
    ["orders.placed", "/shop", "o-7", { id: "o-7" }],
  );
  deepEqual([told["tenant"], told["schemaversion"]], ["acme", "1.2.0"]);
});

test("bytes are a CloudEvent too", async () => {
  const told = judged(await delivered(envelopeOf(1, Uint8Array.of(0, 255))));
  equal(told.validate(), true);
  equal(told.datacontenttype, "application/octet-stream");
  deepEqual(told.data, Uint8Array.of(0, 255));
});

test("replies are, those that fail too", async () => {
  const request = envelopeOf(2, { id: "o-7" });
  const { operation } = members[2]!;
  const failure = systemError("UNAVAILABLE", "nobody is there", { executed: "no" });
  for (const outcome of [{ output: "p-1" }, { failure }]) {
    const told = judged(
      await delivered(replyTo(request, operation, outcome, undefined, realEnv())),
    );
    equal(told.validate(), true);
    equal(told["correlationid"], request.id);
  }
});

test("over HTTP the SDK reads back what it was given, in both modes", async () => {
  const told = judged(await delivered(envelopeOf(0, { id: "o-7" })));
  for (const form of ["binary", "structured"] as const) {
    const back = HTTP.toEvent(HTTP[form](told)) as CloudEvent<unknown>;
    deepEqual(back.toJSON(), told.toJSON());
  }
});
