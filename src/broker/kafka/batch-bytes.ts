import { crc32c } from "@platformatic/kafka";
import type { WrittenRecord } from "./record.ts";

/** Who writes: the broker knows by it, and by the numbers of its batches, what it has already. */
export interface Identity {
  readonly producerId: bigint;
  readonly epoch: number;
}

export interface BatchTerms {
  readonly identity: Identity;
  readonly sequence: number;
  /** When its records were made, in milliseconds since 1970. */
  readonly timestamp: bigint;
  readonly transactional: boolean;
}

/** Of a batch, before its records; and what stands of it before the bytes that its length and its checksum are about. */
const headBytes = 61;
const lengthFrom = 12;
const checkedFrom = 21;
const magic = 2;
const transactionalBit = 0x10;

/**
 * The records of one partition as Kafka keeps them (record batch, version 2), in one piece of memory: the library makes some forty
 * pieces for each record, which cost more than all the rest of publishing it.
 */
export function batchBytes(records: readonly WrittenRecord[], terms: BatchTerms): Buffer {
  const { identity, sequence, timestamp, transactional } = terms;
  const sizes = records.map(sizeOf);
  let total = headBytes;
  for (const size of sizes) total += varintBytes(size) + size;
  const bytes = Buffer.allocUnsafe(total);
  bytes.writeBigInt64BE(0n, 0); // the broker says which offset the first has
  bytes.writeInt32BE(total - lengthFrom, 8);
  bytes.writeInt32BE(0, lengthFrom);
  bytes[16] = magic;
  bytes.writeInt16BE(transactional ? transactionalBit : 0, checkedFrom);
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(timestamp, 27);
  bytes.writeBigInt64BE(timestamp, 35);
  bytes.writeBigInt64BE(identity.producerId, 43);
  bytes.writeInt16BE(identity.epoch, 51);
  bytes.writeInt32BE(sequence, 53);
  bytes.writeInt32BE(records.length, 57);
  let at = headBytes;
  records.forEach((record, index) => (at = put(bytes, at, record, index, sizes[index]!)));
  bytes.writeUInt32BE(crc32c(bytes.subarray(checkedFrom)), 17);
  return bytes;
}

/** The size of a record without its length. */
function sizeOf({ key, value, headers }: WrittenRecord, index: number): number {
  // Its attributes, and that it is as old as the first.
  let size = 2 + varintBytes(index) + textBytes(key) + textBytes(value) + varintBytes(headers.size);
  for (const [name, text] of headers) size += textBytes(name) + textBytes(text);
  return size;
}

function put(
  bytes: Buffer,
  from: number,
  { key, value, headers }: WrittenRecord,
  index: number,
  size: number,
): number {
  let at = putVarint(bytes, from, size);
  bytes[at++] = 0;
  bytes[at++] = 0;
  at = putVarint(bytes, at, index);
  at = putText(bytes, at, key);
  at = putText(bytes, at, value);
  at = putVarint(bytes, at, headers.size);
  for (const [name, text] of headers) at = putText(bytes, putText(bytes, at, name), text);
  return at;
}

function textBytes(text: Buffer | undefined): number {
  return text === undefined ? varintBytes(-1) : varintBytes(text.length) + text.length;
}

function putText(bytes: Buffer, at: number, text: Buffer | undefined): number {
  if (text === undefined) return putVarint(bytes, at, -1);
  const begin = putVarint(bytes, at, text.length);
  bytes.set(text, begin);
  return begin + text.length;
}

/** Numbers of 31 bits at most, zigzag: small ones are short, whatever their sign. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest >>>= 7) count++;
  return count;
}

function putVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = zigzag(value);
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
