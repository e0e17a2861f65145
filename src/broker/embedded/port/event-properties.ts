import { timestamp } from "../../../base/timestamp.ts";
import { ByteWriter } from "../../../wire/amqp091/byte-writer.ts";
import { flagOf } from "../../../wire/amqp091/properties.ts";
import { eventPrefix, keyHeader, shortText, textTypes } from "../../amqp-event.ts";
import { attribute } from "../../attributes.ts";
import { shardKeyOf, type Envelope } from "../../envelope.ts";

/** What is said of a message beside its envelope. */
export interface PropertyTerms {
  readonly persistent: boolean;
  readonly priority: number;
  /** How long it may wait, in milliseconds. */
  readonly expirationMs: number | undefined;
}

/** Of a text in a field table. */
const textLetter = "S".charCodeAt(0);

/** The memory in which all properties are written one after the other, before they are copied out of it. */
const writer: ByteWriter = new ByteWriter(Buffer.allocUnsafe(4_096));

const always: number =
  flagOf.contentType |
  flagOf.headers |
  flagOf.deliveryMode |
  flagOf.messageId |
  flagOf.timestamp |
  flagOf.type;

/**
 * The properties of an envelope as they travel in a content header of AMQP 0-9-1: the same that the adapter of RabbitMQ gives to its
 * client. Written by hand, as this happens for every message.
 */
export function writeEvent(envelope: Envelope, terms: PropertyTerms): Buffer {
  const { id, type, time, contentType, attributes } = envelope;
  const { [attribute.correlationid]: correlationId, [attribute.replyto]: replyTo } = attributes;
  const encoded = textTypes.has(contentType);
  let flags = always;
  writer.at = 0;
  writer.short(0);
  writer.shortstr(shortText(contentType));
  if (encoded) {
    flags |= flagOf.contentEncoding;
    writer.shortstr("utf-8");
  }
  writeHeaders(envelope);
  writer.octet(terms.persistent ? 2 : 1);
  if (terms.priority > 0) {
    flags |= flagOf.priority;
    writer.octet(terms.priority);
  }
  if (correlationId !== undefined) {
    flags |= flagOf.correlationId;
    writer.shortstr(shortText(correlationId));
  }
  if (replyTo !== undefined) {
    flags |= flagOf.replyTo;
    writer.shortstr(shortText(replyTo));
  }
  if (terms.expirationMs !== undefined) {
    flags |= flagOf.expiration;
    writer.shortstr(String(terms.expirationMs));
  }
  writer.shortstr(shortText(id));
  writer.longlong(Math.max(0, Math.floor(time / 1_000)));
  writer.shortstr(shortText(type));
  writer.memory.writeUInt16BE(flags, 0);
  return writer.copied();
}

function writeHeaders(envelope: Envelope): void {
  const { id, type, source, subject, time, attributes } = envelope;
  const lengthAt = writer.claim(4);
  writer.bytes(version);
  writeHeader(ofId, id);
  writeHeader(ofType, type);
  writeHeader(ofSource, source);
  writeHeader(ofTime, instantOf(time));
  writeHeader(ofKey, shardKeyOf(envelope) ?? id);
  if (subject !== undefined) writeHeader(ofSubject, subject);
  for (const name in attributes) writeHeader(headOf(name), attributes[name]!);
  writer.memory.writeUInt32BE(writer.at - lengthAt - 4, lengthAt);
}

function writeHeader(head: Buffer, value: string): void {
  writer.bytes(head);
  writer.longstr(value);
}

/** A header up to the length of its text. */
function named(name: string): Buffer {
  const bytes = Buffer.from(name);
  return Buffer.concat([Buffer.of(bytes.length), bytes, Buffer.of(textLetter)]);
}

const version: Buffer = Buffer.concat([
  named(`${eventPrefix}specversion`),
  Buffer.of(0, 0, 0, 3),
  Buffer.from("1.0"),
]);
const ofId: Buffer = named(`${eventPrefix}id`);
const ofType: Buffer = named(`${eventPrefix}type`);
const ofSource: Buffer = named(`${eventPrefix}source`);
const ofTime: Buffer = named(`${eventPrefix}time`);
const ofSubject: Buffer = named(`${eventPrefix}subject`);
const ofKey: Buffer = named(keyHeader);

/** Heads of the headers of attributes: the same few for nearly all messages. */
const heads = new Map<string, Buffer>();
const headsMax = 256;

function headOf(name: string): Buffer {
  let head = heads.get(name);
  if (head === undefined) {
    head = named(eventPrefix + name);
    if (heads.size < headsMax) heads.set(name, head);
  }
  return head;
}

/** Many messages are made in one millisecond. */
let lastTime = Number.NaN;
let lastInstant = "";

function instantOf(time: number): string {
  if (time !== lastTime) {
    lastInstant = timestamp(time);
    lastTime = time;
  }
  return lastInstant;
}
