import { isUtf8 } from "node:buffer";
import { timestamp } from "../../base/timestamp.ts";
import { attributeName } from "../attributes.ts";
import { attributeBytesMax, shardKeyOf, type Envelope } from "../envelope.ts";

/** A record as it is sent: CloudEvents' binding for Kafka (1.0.2), binary mode. */
export interface WrittenRecord {
  readonly key: Buffer | undefined;
  /** Undefined: a tombstone. */
  readonly value: Buffer | undefined;
  readonly headers: Map<Buffer, Buffer>;
}

/** A record as it came, with where it stands. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was made or appended, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/** On a compacted channel a message without data is a tombstone: it takes away what is kept of its key. */
export function writeRecord(envelope: Envelope, compacted: boolean): WrittenRecord {
  const key = shardKeyOf(envelope);
  const headers = new Map<Buffer, Buffer>();
  const put = (name: string, value: string): void =>
    void headers.set(nameOf(name), Buffer.from(value));
  put("ce_specversion", "1.0");
  put("ce_id", envelope.id);
  put("ce_type", envelope.type);
  put("ce_source", envelope.source);
  put("ce_time", timestamp(envelope.time));
  if (envelope.subject !== undefined) put("ce_subject", envelope.subject);
  put("content-type", envelope.contentType);
  for (const [name, value] of Object.entries(envelope.attributes)) put(`ce_${name}`, value);
  const { data } = envelope;
  return {
    key: key === undefined ? undefined : Buffer.from(key),
    value:
      compacted && data.length === 0
        ? undefined
        : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    headers,
  };
}

/** The names of headers as bytes: the same few for nearly all messages. */
const names = new Map<string, Buffer>();
const namesMax = 256;

function nameOf(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name);
    if (names.size < namesMax) names.set(name, bytes);
  }
  return bytes;
}

export interface ReadEnvelope {
  readonly envelope: Envelope;
  readonly malformed?: string;
}

/**
 * The envelope of a record: of CloudEvents in binary and in structured mode, and of whatever others wrote. That is an envelope too: its id is where it
 * stands, its type the name of the topic, its subject the key, where that is text. Malformed is only what says that it is a
 * CloudEvent and is none.
 */
export function readEnvelope(record: ReadRecord): ReadEnvelope {
  const headers = headersOf(record);
  if (headers === undefined)
    return { envelope: foreign(record, new Map()), malformed: "its headers are too large" };
  const contentType = headers.get("content-type");
  if (contentType?.toLowerCase().startsWith("application/cloudevents") === true)
    return structured(record, headers, contentType);
  if (!headers.has("ce_specversion")) return { envelope: foreign(record, headers) };
  return binary(record, headers);
}

function binary(record: ReadRecord, headers: ReadonlyMap<string, string>): ReadEnvelope {
  const found = new Map<string, string>();
  for (const [name, value] of headers) if (name.startsWith("ce_")) found.set(name.slice(3), value);
  // The official SDK writes it in both places.
  const contentType = headers.get("content-type") ?? found.get("datacontenttype");
  found.delete("datacontenttype");
  return eventOf(record, found, contentType, record.value ?? empty);
}

function structured(
  record: ReadRecord,
  headers: ReadonlyMap<string, string>,
  contentType: string,
): ReadEnvelope {
  const wrong = (malformed: string): ReadEnvelope => ({
    envelope: { ...foreign(record, headers), contentType },
    malformed,
  });
  if (!/^application\/cloudevents(\+json)?\s*(;|$)/i.test(contentType))
    return wrong(`events written as ${contentType} cannot be read`);
  let event: unknown;
  try {
    event = JSON.parse((record.value ?? empty).toString("utf8"));
  } catch {
    return wrong("it is not JSON");
  }
  if (typeof event !== "object" || event === null || Array.isArray(event))
    return wrong("it is not an event, but other JSON");
  const { data, data_base64: base64, ...rest } = event as Readonly<Record<string, unknown>>;
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(rest))
    if (typeof value === "string") found.set(name, value);
    else if (typeof value === "number" || typeof value === "boolean")
      found.set(name, String(value));
  const bytes =
    typeof base64 === "string"
      ? Buffer.from(base64, "base64")
      : data === undefined
        ? empty
        : Buffer.from(JSON.stringify(data));
  const type = found.get("datacontenttype") ?? "application/json";
  found.delete("datacontenttype");
  return eventOf(record, found, type, bytes);
}

/** The context attributes that have a place of their own in an envelope. */
const own: ReadonlySet<string> = new Set([
  "specversion",
  "id",
  "type",
  "source",
  "time",
  "subject",
]);

function eventOf(
  record: ReadRecord,
  found: ReadonlyMap<string, string>,
  contentType: string | undefined,
  data: Buffer,
): ReadEnvelope {
  const instead = foreign(record, new Map());
  const attributes: Record<string, string> = {};
  let malformed: string | undefined;
  for (const [name, value] of found)
    if (attributeName.test(name)) {
      if (!own.has(name)) attributes[name] = value;
    } else malformed ??= `its attribute ${JSON.stringify(name.slice(0, 40))} has no valid name`;
  for (const name of ["id", "type", "source"])
    if ((found.get(name) ?? "") === "") malformed ??= `it has no ${name}`;
  const version = found.get("specversion");
  if (version !== "1.0") malformed ??= `its specversion is ${JSON.stringify(version)}, not 1.0`;
  const time = found.get("time");
  const at = time === undefined ? record.timestamp : Date.parse(time);
  if (Number.isNaN(at)) malformed ??= `its time is ${JSON.stringify(time)}`;
  const envelope: Envelope = {
    id: found.get("id") ?? instead.id,
    type: found.get("type") ?? instead.type,
    source: found.get("source") ?? instead.source,
    subject: found.get("subject"),
    time: Number.isNaN(at) ? record.timestamp : at,
    contentType: contentType ?? instead.contentType,
    attributes,
    data,
  };
  return malformed === undefined ? { envelope } : { envelope, malformed };
}

function foreign(record: ReadRecord, headers: ReadonlyMap<string, string>): Envelope {
  const attributes: Record<string, string> = {};
  for (const [name, value] of headers) if (attributeName.test(name)) attributes[name] = value;
  return {
    id: positionOf(record),
    type: record.topic,
    source: `/kafka/${record.topic}`,
    subject: record.key === null ? undefined : textOf(record.key),
    time: record.timestamp,
    contentType: headers.get("content-type") ?? "application/octet-stream",
    attributes,
    data: record.value ?? empty,
  };
}

/** Where a record is, as Kafka's own tools say it. */
export function positionOf(where: {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}): string {
  return `${where.topic}[${where.partition}]@${where.offset}`;
}

/** The headers that are text, the last of each name; undefined when there are more than an envelope holds. */
function headersOf({ headers }: ReadRecord): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  let bytes = 0;
  for (const [name, value] of headers) {
    if (name === null || value === null) continue;
    bytes += name.length + value.length;
    if (bytes > attributeBytesMax * 2) return undefined;
    const text = textOf(value);
    if (text !== undefined) found.set(name.toString("utf8"), text);
  }
  return found;
}

function textOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

const empty = Buffer.alloc(0);
