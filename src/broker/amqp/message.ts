import type { AsyncMessage, Envelope as AmqpEnvelope, SyncMessage } from "rabbitmq-client";
import { timestamp } from "../../base/timestamp.ts";
import {
  eventPrefix,
  keyHeader,
  readEvent,
  shortText,
  textTypes,
  type Arrival,
  type Received,
} from "../amqp-event.ts";
import { attribute } from "../attributes.ts";
import { shardKeyOf, type Envelope } from "../envelope.ts";

/** Headers of ours, which are no attributes. */
export const header: {
  readonly key: string;
  readonly attempts: string;
  readonly to: string;
  readonly delay: string;
} = {
  /** By what the consistent hash exchange finds the shard. */
  key: keyHeader,
  /** Which attempts there were before a message was published anew for a later one. */
  attempts: "trunkline-attempts",
  /** Where a delayed message goes in the end. */
  to: "trunkline-to",
  /** The bits of a delay. */
  delay: "trunkline-delay-",
};

/** The properties and headers of an envelope: CloudEvents in its binary mode, and what AMQP 0-9-1 has properties for. */
export function propertiesOf(envelope: Envelope): AmqpEnvelope {
  const { id, type, source, subject, time, contentType, attributes } = envelope;
  const headers: Record<string, unknown> = {
    [`${eventPrefix}specversion`]: "1.0",
    [`${eventPrefix}id`]: id,
    [`${eventPrefix}type`]: type,
    [`${eventPrefix}source`]: source,
    [`${eventPrefix}time`]: timestamp(time),
    [header.key]: shardKeyOf(envelope) ?? id,
  };
  if (subject !== undefined) headers[`${eventPrefix}subject`] = subject;
  for (const [name, value] of Object.entries(attributes)) headers[eventPrefix + name] = value;
  const { [attribute.correlationid]: correlationId, [attribute.replyto]: replyTo } = attributes;
  return {
    messageId: shortText(id),
    type: shortText(type),
    contentType,
    timestamp: Math.floor(time / 1_000),
    ...(textTypes.has(contentType) ? { contentEncoding: "utf-8" } : {}),
    ...(correlationId === undefined ? {} : { correlationId: shortText(correlationId) }),
    ...(replyTo === undefined ? {} : { replyTo: shortText(replyTo) }),
    headers,
  };
}

export type { Arrival, Received };

/** The envelope of a message, also of one that somebody else has published in his own way. */
export function envelopeOf(message: AsyncMessage | SyncMessage, arrival: Arrival): Received {
  return readEvent(message, bytesOf(message.body), arrival);
}

/** The client has parsed what says that it is JSON or text and not how it is encoded; it is written again. */
function bytesOf(body: unknown): Uint8Array {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

/** Which delivery it is, of all that were counted: by the queue, and before the message was published anew for a later attempt. */
export function attemptOf({ headers = {}, redelivered }: AsyncMessage): number {
  const counted = Math.max(
    count(headers["x-delivery-count"]),
    count(headers["x-acquired-count"]),
    redelivered ? 1 : 0,
  );
  return count(headers[header.attempts]) + counted + 1;
}

function count(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}
