import { attribute, attributeName } from "./attributes.ts";
import type { Envelope } from "./envelope.ts";

// CloudEvents in messages of AMQP 0-9-1, after their binding for AMQP (1.0.2, binary mode): what the adapter of RabbitMQ and the
// embedded broker write and read alike, so that clients of either see the same messages.

/** Before each attribute in the headers (3.1.3.1); `cloudEvents_` is read too. */
export const eventPrefix = "cloudEvents:";

/** The header by which a message finds its shard: its key, or, where it has none, its id. */
export const keyHeader = "trunkline-key";

/**
 * Content types of which it is said that they are encoded as `utf-8`: some clients would parse such a body where nothing is said of
 * it, and lose its bytes.
 */
export const textTypes: ReadonlySet<string> = new Set(["application/json", "text/plain"]);

/** The longest text of a short string of AMQP, in bytes. */
const shortBytesMax = 255;

/** As much of a text as a short string takes, no character cut. The whole of it stands in the headers. */
export function shortText(text: string): string {
  if (text.length * 3 <= shortBytesMax || Buffer.byteLength(text) <= shortBytesMax) return text;
  let cut = text.slice(0, shortBytesMax);
  while (Buffer.byteLength(cut) > shortBytesMax) cut = cut.slice(0, -1);
  return cut;
}

/** What of a message of AMQP an envelope is made of, beside its body. */
export interface EventMessage {
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly contentType?: string | undefined;
  readonly messageId?: string | undefined;
  readonly type?: string | undefined;
  /** In seconds since 1970. */
  readonly timestamp?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly appId?: string | undefined;
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
export function readEvent(message: EventMessage, data: Uint8Array, arrival: Arrival): Received {
  const headers = message.headers ?? {};
  const said = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const [, own] = /^cloudEvents[:_](.+)$/.exec(name) ?? [];
    const text = textOf(value);
    if (own !== undefined && text !== undefined) said.set(own, text);
  }
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
    if ((said.get(name) ?? "") === "") return `the header ${eventPrefix}${name} is missing`;
  if (Number.isNaN(time)) return `the header ${eventPrefix}time is not an instant of RFC 3339`;
  return undefined;
}

/** What can be known of a message that is no CloudEvent. */
function foreign(
  message: EventMessage,
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
  const key = headers[keyHeader];
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

function sourceOf({ appId, exchange }: EventMessage): string {
  return `/${encodeURIComponent(appId ?? (exchange === "" ? "amqp" : exchange))}`;
}

function secondsOf(message: EventMessage): number | undefined {
  return message.timestamp === undefined ? undefined : message.timestamp * 1_000;
}

/** What can stand in an attribute, as text. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
