import { Flag, FrameType } from "./frame-type.ts";
import { writeInt16, writeInt32 } from "./int32.ts";
import { headerBytes } from "./limits.ts";

/*
 * Writers put the parts of a frame into memory that the caller has claimed, and return the offset after what they
 * wrote. They allocate nothing and check nothing but the memory's own bounds (RangeError): ids, credit and lengths are
 * the caller's to keep within `limits.ts`. A request or a payload is: header, for streams the initial credit, with
 * the METADATA flag the metadata's length, the metadata, the data.
 */

/** Stream id, type and flags: the first six bytes of every frame. Section "Frame Header Format". */
export function writeHeader(
  memory: Buffer,
  at: number,
  streamId: number,
  type: number,
  flags: number,
): number {
  return writeInt16(memory, writeInt32(memory, at, streamId), (type << 10) | flags);
}

/** The initial credit (1 to 2^31-1) after the header of REQUEST_STREAM and REQUEST_CHANNEL. */
export function writeInitialRequestN(memory: Buffer, at: number, requestN: number): number {
  return writeInt32(memory, at, requestN);
}

/**
 * The length (0 to 2^24-1) before the metadata of a frame that can also carry data: requests, PAYLOAD and SETUP with
 * the METADATA flag. Section "Metadata Optional Header".
 */
export function writeMetadataLength(memory: Buffer, at: number, length: number): number {
  memory[at] = length >>> 16;
  return writeInt16(memory, at + 1, length);
}

/** Writes a whole REQUEST_N frame: `requestN` (1 to 2^31-1) more items on a stream. Takes `requestNFrameBytes`. */
export function writeRequestN(
  memory: Buffer,
  at: number,
  streamId: number,
  requestN: number,
): number {
  return writeInitialRequestN(
    memory,
    writeHeader(memory, at, streamId, FrameType.REQUEST_N, 0),
    requestN,
  );
}

export const requestNFrameBytes: number = headerBytes + 4;

/** Writes a whole CANCEL frame. Takes `cancelFrameBytes`. */
export function writeCancel(memory: Buffer, at: number, streamId: number): number {
  return writeHeader(memory, at, streamId, FrameType.CANCEL, 0);
}

export const cancelFrameBytes: number = headerBytes;

/**
 * Writes a PAYLOAD frame without item that ends the sender's side of a stream. Takes `completeFrameBytes`.
 * (With an item, write a header with `Flag.NEXT | Flag.COMPLETE` and the parts.)
 */
export function writeComplete(memory: Buffer, at: number, streamId: number): number {
  return writeHeader(memory, at, streamId, FrameType.PAYLOAD, Flag.COMPLETE);
}

export const completeFrameBytes: number = headerBytes;

/**
 * Writes a KEEPALIVE frame up to its data, which may follow and which an answer must echo. Takes `keepaliveBytes`.
 * `position` is the last received position, 0 without resumption (at most `positionMax`).
 */
export function writeKeepalive(
  memory: Buffer,
  at: number,
  respond: boolean,
  position: number,
): number {
  const next = writeHeader(memory, at, 0, FrameType.KEEPALIVE, respond ? Flag.RESPOND : 0);
  return writePosition(memory, next, position);
}

/** A KEEPALIVE without its data. */
export const keepaliveBytes: number = headerBytes + 8;

/**
 * Writes a whole ERROR frame; `text` is for people. Takes at most `errorFrameBytesMax(text)`. Stream id 0 ends the
 * connection or its set-up, any other id that stream; the code, an `ErrorCode` or one of the application's, must be of the same kind (`isConnectionCode`).
 */
export function writeError(
  memory: Buffer,
  at: number,
  streamId: number,
  code: number,
  text: string,
): number {
  const next = writeHeader(memory, at, streamId, FrameType.ERROR, 0);
  memory.writeUInt32BE(code, next);
  return next + 4 + memory.write(text, next + 4, "utf8");
}

/** An upper bound, so that the text need not be measured first: UTF-8 takes at most three bytes for a UTF-16 unit. */
export function errorFrameBytesMax(text: string): number {
  return headerBytes + 4 + 3 * text.length;
}

/**
 * Writes the header of a METADATA_PUSH; the metadata follows, without a length, up to the frame's end.
 * Takes `headerBytes`.
 */
export function writeMetadataPush(memory: Buffer, at: number): number {
  return writeHeader(memory, at, 0, FrameType.METADATA_PUSH, Flag.METADATA);
}

/**
 * Writes a LEASE without metadata: `requests` requests within `ttlMs` milliseconds, each 0 to 2^31-1; 0 stops all
 * requests. Takes `leaseFrameBytes`.
 */
export function writeLease(memory: Buffer, at: number, ttlMs: number, requests: number): number {
  const next = writeHeader(memory, at, 0, FrameType.LEASE, 0);
  memory.writeInt32BE(ttlMs, next);
  memory.writeInt32BE(requests, next + 4);
  return next + 8;
}

export const leaseFrameBytes: number = headerBytes + 8;

/** Writes an EXT frame up to what its extended type (1 to 2^31-1) defines. Takes `extensionBytes`. */
export function writeExtension(
  memory: Buffer,
  at: number,
  streamId: number,
  extendedType: number,
  flags: number,
): number {
  const next = writeHeader(memory, at, streamId, FrameType.EXT, flags);
  memory.writeInt32BE(extendedType, next);
  return next + 4;
}

/** An EXT frame without its contents. */
export const extensionBytes: number = headerBytes + 4;

/** A position of a resumable connection: 63 bits in the frame, of which `positionMax` are used. */
export function writePosition(memory: Buffer, at: number, position: number): number {
  memory.writeUInt32BE(Math.floor(position / 0x1_0000_0000), at);
  memory.writeUInt32BE(position % 0x1_0000_0000, at + 4);
  return at + 8;
}
