import type { Env } from "../../base/env.ts";
import { bytesMaxDefault } from "../../transport/mq/queue-terms.ts";
import type { Envelope } from "../envelope.ts";
import { readEnvelope, unreadEnvelope, writtenEnvelope } from "../written-envelope.ts";

/** The largest message, as it stands in a queue that the system makes unless it is told otherwise. */
export const messageBytesMax: number = bytesMaxDefault;

/**
 * What a message of a queue begins with: the letters "TL", a version, how often it was delivered, its priority as 16 bits, big end
 * first. The envelope follows.
 */
const prefixBytes = 6;
const magic = 0x544c;
const version = 1;

/** As often as is counted. */
const deliveredMax = 255;
/** Linux has 32,768 of them (MQ_PRIO_MAX). */
export const priorityMax = 32_767;

export interface Message {
  readonly envelope: Envelope;
  /** How often it was delivered before. */
  readonly delivered: number;
  readonly priority: number;
  /** Why it could not be read. */
  readonly malformed?: string;
}

export function writeMessage({ envelope, delivered, priority }: Message): Buffer {
  const bytes = writtenEnvelope(envelope, prefixBytes);
  bytes.writeUInt16BE(magic, 0);
  bytes[2] = version;
  bytes[3] = Math.min(delivered, deliveredMax);
  bytes.writeUInt16BE(Math.max(0, Math.min(priority, priorityMax)), 4);
  return bytes;
}

/** The priority of a message that was written. */
export function priorityOf(bytes: Uint8Array): number {
  return (bytes[4]! << 8) | bytes[5]!;
}

/** Reads a message, copied. Whoever may write to the queue may have written anything. */
export function readMessage(memory: Buffer, length: number, queue: string, env: Env): Message {
  const bytes = Buffer.from(memory.subarray(0, length));
  const ours = length >= prefixBytes && bytes.readUInt16BE(0) === magic && bytes[2] === version;
  const envelope = ours
    ? readEnvelope(bytes, prefixBytes)
    : "it does not begin as messages of Trunkline do";
  if (typeof envelope === "object")
    return { envelope, delivered: bytes[3]!, priority: bytes.readUInt16BE(4) };
  const unread = unreadEnvelope(bytes, queue, env);
  return { envelope: unread, delivered: 0, priority: 0, malformed: envelope };
}
