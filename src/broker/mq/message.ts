import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import { bytesMaxDefault } from "../../transport/mq/queue-terms.ts";
import type { Envelope } from "../envelope.ts";

/** The largest message, as it stands in a queue that the system makes unless it is told otherwise. */
export const messageBytesMax: number = bytesMaxDefault;

/**
 * What a message of a queue begins with: the letters "TL", a version, how often it was delivered, its priority as 16 bits and
 * how many bytes its head has as 32 bits, big end first. The head is JSON: the envelope without its data, which follows.
 */
const prefixBytes = 10;
const magic = 0x544c;
const version = 1;

/** As often as is counted. */
const deliveredMax = 255;
/** Linux has 32,768 of them (MQ_PRIO_MAX). */
export const priorityMax = 32_767;

type Head = Omit<Envelope, "data">;

export interface Message {
  readonly envelope: Envelope;
  /** How often it was delivered before. */
  readonly delivered: number;
  readonly priority: number;
  /** Why it could not be read. */
  readonly malformed?: string;
}

export function writeMessage({ envelope, delivered, priority }: Message): Buffer {
  const { data, ...head } = envelope;
  const text = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.allocUnsafe(prefixBytes + text.length + data.byteLength);
  bytes.writeUInt16BE(magic, 0);
  bytes[2] = version;
  bytes[3] = Math.min(delivered, deliveredMax);
  bytes.writeUInt16BE(Math.max(0, Math.min(priority, priorityMax)), 4);
  bytes.writeUInt32BE(text.length, 6);
  bytes.set(text, prefixBytes);
  bytes.set(data, prefixBytes + text.length);
  return bytes;
}

/** The priority of a message that was written. */
export function priorityOf(bytes: Uint8Array): number {
  return (bytes[4]! << 8) | bytes[5]!;
}

/** Reads a message, copied. Whoever may write to the queue may have written anything. */
export function readMessage(memory: Buffer, length: number, queue: string, env: Env): Message {
  const bytes = Buffer.from(memory.subarray(0, length));
  if (length < prefixBytes || bytes.readUInt16BE(0) !== magic || bytes[2] !== version) {
    return foreign(bytes, queue, "it does not begin as messages of Trunkline do", env);
  }
  const dataAt = prefixBytes + bytes.readUInt32BE(6);
  if (dataAt > length) return foreign(bytes, queue, "it is shorter than it says", env);
  const head = headOf(bytes.toString("utf8", prefixBytes, dataAt));
  if (head === undefined) return foreign(bytes, queue, "its head is no envelope", env);
  return {
    envelope: { ...head, data: bytes.subarray(dataAt) },
    delivered: bytes[3]!,
    priority: bytes.readUInt16BE(4),
  };
}

function headOf(text: string): Head | undefined {
  let head: Partial<Head>;
  try {
    head = JSON.parse(text) as Partial<Head>;
  } catch {
    return undefined;
  }
  if (typeof head !== "object" || head === null) return undefined;
  const { id, type, source, subject, time, contentType, attributes } = head;
  const texts = [id, type, source, contentType].every((each) => typeof each === "string");
  const named = typeof attributes === "object" && attributes !== null;
  if (!texts || !named || typeof time !== "number") return undefined;
  if (subject !== undefined && typeof subject !== "string") return undefined;
  if (!Object.values(attributes).every((each) => typeof each === "string")) return undefined;
  return { ...(head as Head), subject };
}

function foreign(data: Buffer, queue: string, malformed: string, env: Env): Message {
  const envelope = {
    id: uuidv7(env),
    type: queue,
    source: queue,
    subject: undefined,
    time: Math.floor(env.wall()),
    contentType: "application/octet-stream",
    attributes: {},
    data,
  };
  return { envelope, delivered: 0, priority: 0, malformed };
}
