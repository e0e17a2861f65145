import { TraceContext } from "../../../base/trace.ts";
import { readInt32, readUint16, writeInt16, writeInt32 } from "../../../wire/int32.ts";
import type { Attempt } from "../../attempt.ts";
import { isLane, toldTries } from "../../standing.ts";

/** The metadata type of Trunkline's own compact form, named in SETUP. docs/protocol.md describes it byte by byte. */
export const metadataMimeType = "application/vnd.trunkline.v1";

/** Bytes that every request carries: operation 2, codec 1, flags 1, time left 4, trace id 16, span id 8, trace flags 1. */
export const fixedBytes = 33;

/** The most bytes that headers and keys of one request may take. */
export const extensionBytesMax: number = 16 * 1024;

/** The number that says "no deadline"; a real one is at most one less, about 49 days. */
const unbounded = 0xffff_ffff;

/** Parts that not every request has: type 1 byte, length 2, content. A receiver skips the types it does not know. */
const Extension = {
  idempotencyKey: 1,
  headers: 2,
  total: 3,
  lane: 4,
  tries: 5,
  onlyBoot: 6,
} as const;

/** What is only there now and then, in bytes ready to be written; undefined when there is nothing. */
export function encodeExtensions(
  attempt: Attempt,
  now: number,
  offsetMs?: number,
): Buffer | undefined {
  const { idempotencyKey, headers, totalAt, lane, onlyBoot } = attempt;
  const tries = toldTries(attempt);
  if (
    idempotencyKey === undefined &&
    headers === undefined &&
    totalAt === Infinity &&
    lane === undefined &&
    tries === undefined &&
    onlyBoot === undefined
  )
    return undefined;
  const parts: Buffer[] = [];
  const add = (type: number, content: Buffer): void => {
    if (content.length > extensionBytesMax)
      throw new RangeError(
        `headers and keys may take ${extensionBytesMax} bytes, these take ${content.length}`,
      );
    const head = Buffer.allocUnsafe(3);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(content.length, 1);
    parts.push(head, content);
  };
  if (idempotencyKey !== undefined) add(Extension.idempotencyKey, Buffer.from(idempotencyKey));
  if (headers !== undefined) add(Extension.headers, Buffer.from(JSON.stringify(headers)));
  if (totalAt !== Infinity) {
    const total = Buffer.allocUnsafe(4);
    total.writeUInt32BE(timeField(totalAt, now, offsetMs) >>> 0, 0);
    add(Extension.total, total);
  }
  if (lane !== undefined) add(Extension.lane, Buffer.from(lane));
  if (tries !== undefined) add(Extension.tries, Buffer.of(tries));
  if (onlyBoot !== undefined) add(Extension.onlyBoot, Buffer.from(onlyBoot));
  return Buffer.concat(parts);
}

/** Writes the fixed part; returns the offset behind it. `offsetMs`: of the clock that both sides have in common. */
export function writeFixed(
  memory: Buffer,
  at: number,
  index: number,
  codec: number,
  attempt: Attempt,
  now: number,
  offsetMs?: number,
): number {
  const { trace } = attempt;
  writeInt16(memory, at, index);
  memory[at + 2] = codec;
  memory[at + 3] = offsetMs === undefined ? 0 : exactFlag;
  writeInt32(memory, at + 4, timeField(attempt.deadlineAt, now, offsetMs));
  writeInt32(memory, at + 8, trace.trace0);
  writeInt32(memory, at + 12, trace.trace1);
  writeInt32(memory, at + 16, trace.trace2);
  writeInt32(memory, at + 20, trace.trace3);
  writeInt32(memory, at + 24, trace.span0);
  writeInt32(memory, at + 28, trace.span1);
  memory[at + 32] = trace.flags;
  return at + fixedBytes;
}

export interface Extensions {
  idempotencyKey: string | undefined;
  headers: Readonly<Record<string, string>>;
  totalAt: number;
  lane: string | undefined;
  /** Undefined: neither it nor the request that it was made for is a repetition. */
  tries: number | undefined;
  onlyBoot: string | undefined;
}

export const noHeaders: Readonly<Record<string, string>> = Object.freeze({});
/** Of the usual request. */
export const noExtensions: Extensions = Object.freeze({
  idempotencyKey: undefined,
  headers: noHeaders,
  totalAt: Infinity,
  lane: undefined,
  tries: undefined,
  onlyBoot: undefined,
});

/** Flag of a request whose times are instants of the host's clock, and not what is left. */
const exactFlag = 1;

/** Farther ahead an instant of 32 bits cannot be told from one that is over, in milliseconds: about 24 days. */
const aheadMsMax = 0x7fff_ffff;

/** What is left, or where there is a clock in common the instant itself, modulo 2^32 ms. */
function timeField(at: number, now: number, offsetMs: number | undefined): number {
  if (offsetMs === undefined) return timeLeft(at, now);
  if (at - now > aheadMsMax) return unbounded;
  const instant = Math.ceil(at + offsetMs) >>> 0;
  return instant === unbounded ? unbounded - 1 : instant;
}

/** The instant of our clock that a field means. */
function instantOf(field: number, now: number, offsetMs: number | undefined): number {
  if (field === unbounded) return Infinity;
  if (offsetMs === undefined) return now + field;
  const hostNow = Math.floor(now + offsetMs);
  return hostNow + ((field - hostNow) | 0) - offsetMs;
}

/** True when the times of a request are instants of the host's clock. */
export function readExact(memory: Buffer, at: number): boolean {
  return (memory[at + 3]! & exactFlag) !== 0;
}

/** Time left in milliseconds, at least 1: what is over is not sent. */
export function timeLeft(at: number, now: number): number {
  return at === Infinity ? unbounded : Math.min(unbounded - 1, Math.max(1, Math.ceil(at - now)));
}

export function readIndex(memory: Buffer, at: number): number {
  return readUint16(memory, at);
}

export function readCodec(memory: Buffer, at: number): number {
  return memory[at + 2]!;
}

/** The instant of this process's clock at which the caller stops waiting. `offsetMs`: of the clock that `readExact` means. */
export function readDeadline(memory: Buffer, at: number, now: number, offsetMs?: number): number {
  return instantOf(readInt32(memory, at + 4) >>> 0, now, offsetMs);
}

export function readTrace(memory: Buffer, at: number): TraceContext | undefined {
  const trace0 = readInt32(memory, at + 8);
  const trace1 = readInt32(memory, at + 12);
  const trace2 = readInt32(memory, at + 16);
  const trace3 = readInt32(memory, at + 20);
  if ((trace0 | trace1 | trace2 | trace3) === 0) return undefined;
  return new TraceContext(
    trace0,
    trace1,
    trace2,
    trace3,
    readInt32(memory, at + 24),
    readInt32(memory, at + 28),
    memory[at + 32]!,
  );
}

/** Reads what stands behind the fixed part; undefined when it is malformed. */
export function readExtensions(
  memory: Buffer,
  from: number,
  to: number,
  now: number,
  offsetMs?: number,
): Extensions | undefined {
  if (from === to) return noExtensions;
  const found: Extensions = { ...noExtensions };
  for (let at = from; at < to;) {
    if (at + 3 > to) return undefined;
    const content = at + 3;
    const end = content + memory.readUInt16BE(at + 1);
    if (end > to) return undefined;
    const type = memory[at]!;
    if (type === Extension.idempotencyKey) {
      found.idempotencyKey = memory.toString("utf8", content, end);
    } else if (type === Extension.headers) {
      const headers = parseHeaders(memory.toString("utf8", content, end));
      if (headers === undefined) return undefined;
      found.headers = headers;
    } else if (type === Extension.total) {
      if (end - content !== 4) return undefined;
      found.totalAt = instantOf(memory.readUInt32BE(content), now, offsetMs);
    } else if (type === Extension.lane) {
      found.lane = memory.toString("utf8", content, end);
      if (!isLane(found.lane)) return undefined;
    } else if (type === Extension.tries) {
      if (end - content !== 1) return undefined;
      found.tries = memory[content]!;
    } else if (type === Extension.onlyBoot) {
      found.onlyBoot = memory.toString("utf8", content, end);
    }
    at = end;
  }
  return found;
}

function parseHeaders(text: string): Readonly<Record<string, string>> | undefined {
  try {
    return headersOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The headers in an object that a peer sent as JSON, names in lower case; undefined when they are malformed. */
export function headersOf(parsed: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== "string") return undefined;
    headers[name.toLowerCase()] = value;
  }
  return Object.freeze(headers);
}
