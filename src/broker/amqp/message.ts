import type { AsyncMessage, Envelope as AmqpEnvelope, SyncMessage } from "rabbitmq-client";
import { timestamp } from "../../base/timestamp.ts";
import { attribute, attributeName } from "../attributes.ts";
import { shardKeyOf, type Envelope } from "../envelope.ts";

/** Before each attribute in the headers (CloudEvents AMQP binding 1.0.2, 3.1.3.1); `cloudEvents_` is read too. */
const prefix = "cloudEvents:";

/** Headers of ours, which are no attributes. */
export const header = {
  /** By what the consistent hash exchange finds the shard. */
  key: "trunkline-key",
  /** Which attempts there were before a message was published anew for a later one. */
  attempts: "trunkline-attempts",
  /** Where a delayed message goes in the end. */
  to: "trunkline-to",
  /** The bits of a delay. */
  delay: "trunkline-delay-",
} as const;

/** The client would parse a body of these types where nothing says how it is encoded, and lose its bytes. */
const parsedByClient: ReadonlySet<string> = new Set(["application/json", "text/plain"]);

/** The longest text of a short string of AMQP, in bytes. */
const shortBytesMax = 255;

/** The properties and headers of an envelope: CloudEvents in its binary mode, and what AMQP 0-9-1 has properties for. */
export function propertiesOf(envelope: Envelope): AmqpEnvelope {
  const { id, type, source, subject, time, contentType, attributes } = envelope;
  const headers: Record<string, unknown> = {
    [`${prefix}specversion`]: "1.0",
    [`${prefix}id`]: id,
    [`${prefix}type`]: type,
    [`${prefix}source`]: source,
    [`${prefix}time`]: timestamp(time),
    [header.key]: shardKeyOf(envelope) ?? id,
  };
  if (subject !== undefined) headers[`${prefix}subject`] = subject;
  for (const [name, value] of Object.entries(attributes)) headers[prefix + name] = value;
  const { [attribute.correlationid]: correlationId, [attribute.replyto]: replyTo } = attributes;
  return {
    messageId: short(id),
    type: short(type),
    contentType,
    timestamp: Math.floor(time / 1_000),
    ...(parsedByClient.has(contentType) ? { contentEncoding: "utf-8" } : {}),
    ...(correlationId === undefined ? {} : { correlationId: short(correlationId) }),
    ...(replyTo === undefined ? {} : { replyTo: short(replyTo) }),
    headers,
  };
}

/** The client would cut it in the middle of a character. The whole of it stands in the headers. */
function short(text: string): string {
  if (Buffer.byteLength(text) <= shortBytesMax) return text;
  let cut = text.slice(0, shortBytesMax);
  while (Buffer.byteLength(cut) > shortBytesMax) cut = cut.slice(0, -1);
  return cut;
}

/** What was received, and why it could not be read where it could not. */
export interface Received {
  readonly envelope: Envelope;
  readonly malformed?: string | undefined;
}

/** How things stand that the message itself may not say. */
export interface Arrival {
  readonly wallMs: number;
  /** Makes an id for a message that has none: it is another one each time it is delivered. */
  readonly newId: () => string;
}

/** The envelope of a message, also of one that somebody else has published in his own way. */
export function envelopeOf(message: AsyncMessage | SyncMessage, arrival: Arrival): Received {
  const headers = message.headers ?? {};
  const said = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const [, own] = /^cloudEvents[:_](.+)$/.exec(name) ?? [];
    const text = textOf(value);
    if (own !== undefined && text !== undefined) said.set(own, text);
  }
  const data = bytesOf(message.body);
  const { contentType = "application/octet-stream" } = message;
  if (!said.has("specversion"))
    return { envelope: foreign(message, headers, data, contentType, arrival) };
  const time = said.has("time")
    ? Date.parse(said.get("time")!)
    : (secondsOf(message) ?? arrival.wallMs);
  const attributes: Record<string, string> = {};
  for (const [name, value] of said)
    if (!own.has(name) && attributeName.test(name)) attributes[name] = value;
  const malformed = problemOf(said, time);
  return {
    envelope: {
      id: said.get("id") ?? message.messageId ?? arrival.newId(),
      type: said.get("type") ?? message.type ?? message.routingKey,
      source: said.get("source") ?? sourceOf(message),
      subject: said.get("subject"),
      time: Number.isNaN(time) ? arrival.wallMs : time,
      contentType,
      attributes,
      data,
    },
    ...(malformed === undefined ? {} : { malformed }),
  };
}

const own: ReadonlySet<string> = new Set([
  "specversion",
  "id",
  "type",
  "source",
  "subject",
  "time",
]);

function problemOf(said: ReadonlyMap<string, string>, time: number): string | undefined {
  if (said.get("specversion") !== "1.0")
    return `it is CloudEvents ${said.get("specversion")}, not 1.0`;
  for (const name of ["id", "type", "source"])
    if ((said.get(name) ?? "") === "") return `the header ${prefix}${name} is missing`;
  if (Number.isNaN(time)) return `the header ${prefix}time is not an instant of RFC 3339`;
  return undefined;
}

/** What can be known of a message that is no CloudEvent. */
function foreign(
  message: AsyncMessage | SyncMessage,
  headers: Readonly<Record<string, unknown>>,
  data: Uint8Array,
  contentType: string,
  { wallMs, newId }: Arrival,
): Envelope {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (attributeName.test(name) && textOf(value) !== undefined) attributes[name] = textOf(value)!;
  const { correlationId, replyTo, messageId, type, routingKey } = message;
  if (correlationId !== undefined) attributes[attribute.correlationid] = correlationId;
  if (replyTo !== undefined) attributes[attribute.replyto] = replyTo;
  const key = headers[header.key];
  return {
    id: messageId ?? newId(),
    type: type ?? routingKey,
    source: sourceOf(message),
    subject: typeof key === "string" ? key : undefined,
    time: secondsOf(message) ?? wallMs,
    contentType,
    attributes,
    data,
  };
}

function sourceOf({ appId, exchange }: AsyncMessage | SyncMessage): string {
  return `/${encodeURIComponent(appId ?? (exchange === "" ? "amqp" : exchange))}`;
}

function secondsOf(message: AsyncMessage | SyncMessage): number | undefined {
  return message.timestamp === undefined ? undefined : message.timestamp * 1_000;
}

/** What can stand in an attribute, as text. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
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
