import { systemError } from "../base/error.ts";
import { Flag, FrameType } from "./frame-type.ts";
import type { FrameView } from "./frame-view.ts";
import { durationMsMax, headerBytes, lengthBytes, mimeBytesMax, tokenBytesMax } from "./limits.ts";
import { writeHeader, writeMetadataLength } from "./write.ts";

/** What a client says first: how it wants to talk. RSocket 1.0, section "SETUP Frame". */
export interface Setup {
  readonly majorVersion: number;
  readonly minorVersion: number;
  /** Milliseconds between the client's KEEPALIVE frames, at least 1. */
  readonly keepaliveMs: number;
  /** Milliseconds without an answer after which the client takes the server for dead, at least 1. */
  readonly lifetimeMs: number;
  /** The client will wait for a LEASE before it sends requests. */
  readonly lease: boolean;
  /** Present when the client asks for a session that can be resumed. */
  readonly resumeToken: Uint8Array | undefined;
  /** US-ASCII, at most 255 bytes. */
  readonly metadataMime: string;
  readonly dataMime: string;
  readonly metadata: Uint8Array | undefined;
  readonly data: Uint8Array;
}

/** The exact size of the frame that `writeSetup` writes. */
export function setupBytes(setup: Setup): number {
  const { resumeToken, metadata, metadataMime, dataMime, data } = setup;
  return (
    headerBytes +
    12 +
    (resumeToken === undefined ? 0 : 2 + resumeToken.length) +
    1 +
    metadataMime.length +
    1 +
    dataMime.length +
    (metadata === undefined ? 0 : lengthBytes + metadata.length) +
    data.length
  );
}

/** Writes a whole SETUP frame. What does not fit its field is refused with INVALID_ARGUMENT before anything is written. */
export function writeSetup(memory: Buffer, at: number, setup: Setup): number {
  check(setup);
  const { resumeToken, metadata, data } = setup;
  const flags =
    (metadata === undefined ? 0 : Flag.METADATA) |
    (resumeToken === undefined ? 0 : Flag.RESUME) |
    (setup.lease ? Flag.LEASE : 0);
  let next = writeHeader(memory, at, 0, FrameType.SETUP, flags);
  memory.writeUInt16BE(setup.majorVersion, next);
  memory.writeUInt16BE(setup.minorVersion, next + 2);
  memory.writeInt32BE(setup.keepaliveMs, next + 4);
  memory.writeInt32BE(setup.lifetimeMs, next + 8);
  next += 12;
  if (resumeToken !== undefined) {
    memory.writeUInt16BE(resumeToken.length, next);
    memory.set(resumeToken, next + 2);
    next += 2 + resumeToken.length;
  }
  next = writeMime(memory, next, setup.metadataMime);
  next = writeMime(memory, next, setup.dataMime);
  if (metadata !== undefined) {
    next = writeMetadataLength(memory, next, metadata.length);
    memory.set(metadata, next);
    next += metadata.length;
  }
  memory.set(data, next);
  return next + data.length;
}

/**
 * Takes apart the SETUP frame that was read into `view`. The result owns its bytes. Returns a sentence for
 * ERROR[INVALID_SETUP] when a field is missing or not allowed. Whether version, MIME types and flags are supported is
 * not judged here.
 */
export function readSetup(memory: Buffer, view: FrameView): Setup | string {
  const { to, flags } = view;
  let at = view.dataFrom;
  if (at + 12 > to) return "SETUP: it ends before its times";
  const majorVersion = memory.readUInt16BE(at);
  const minorVersion = memory.readUInt16BE(at + 2);
  const keepaliveMs = memory.readInt32BE(at + 4);
  const lifetimeMs = memory.readInt32BE(at + 8);
  if (keepaliveMs <= 0) return "SETUP: the time between keep-alives must be 1 to 2147483647 ms";
  if (lifetimeMs <= 0) return "SETUP: the lifetime must be 1 to 2147483647 ms";
  at += 12;

  let resumeToken: Uint8Array | undefined;
  if ((flags & Flag.RESUME) !== 0) {
    const end = at + 2 <= to ? at + 2 + memory.readUInt16BE(at) : Infinity;
    if (end > to) return "SETUP: it ends within its resume token";
    resumeToken = copy(memory, at + 2, end);
    at = end;
  }

  const metadataMimeTo = mimeEnd(memory, at, to);
  if (metadataMimeTo < 0) return "SETUP: it ends within its metadata MIME type";
  const dataMimeTo = mimeEnd(memory, metadataMimeTo, to);
  if (dataMimeTo < 0) return "SETUP: it ends within its data MIME type";
  // Only a SHOULD asks for ASCII, and nobody interprets the text here: latin1 keeps every byte and never fails.
  const metadataMime = memory.toString("latin1", at + 1, metadataMimeTo);
  const dataMime = memory.toString("latin1", metadataMimeTo + 1, dataMimeTo);
  at = dataMimeTo;

  let metadata: Uint8Array | undefined;
  if ((flags & Flag.METADATA) !== 0) {
    const end = at + 3 <= to ? at + 3 + memory.readUIntBE(at, 3) : Infinity;
    if (end > to) return "SETUP: it ends within its metadata";
    metadata = copy(memory, at + 3, end);
    at = end;
  }
  const data = copy(memory, at, to);
  const lease = (flags & Flag.LEASE) !== 0;
  return {
    majorVersion,
    minorVersion,
    keepaliveMs,
    lifetimeMs,
    lease,
    resumeToken,
    metadataMime,
    dataMime,
    metadata,
    data,
  };
}

/** A copy that shares nothing: `Buffer.prototype.slice` and the pool of `Buffer.from` would. */
function copy(memory: Buffer, from: number, to: number): Uint8Array {
  return new Uint8Array(memory.subarray(from, to));
}

/** Where the MIME type at `at` ends; negative when that is past `to`. */
function mimeEnd(memory: Buffer, at: number, to: number): number {
  if (at >= to) return -1;
  const end = at + 1 + memory[at]!;
  return end > to ? -1 : end;
}

function writeMime(memory: Buffer, at: number, mime: string): number {
  memory[at] = mime.length;
  return at + 1 + memory.write(mime, at + 1, "latin1");
}

function check(setup: Setup): void {
  const { keepaliveMs, lifetimeMs, metadataMime, dataMime, resumeToken } = setup;
  for (const mime of [metadataMime, dataMime]) {
    if (mime.length > mimeBytesMax || !/^[\x20-\x7e]*$/.test(mime)) {
      refuse(`the MIME type ${JSON.stringify(mime)} is not printable ASCII of at most 255 bytes`);
    }
  }
  for (const time of [keepaliveMs, lifetimeMs]) {
    if (!(Number.isInteger(time) && time > 0 && time <= durationMsMax)) {
      refuse(`${time} is not a time of 1 to ${durationMsMax} whole milliseconds`);
    }
  }
  if (resumeToken !== undefined && resumeToken.length > tokenBytesMax) {
    refuse(`a resume token of ${resumeToken.length} bytes is longer than ${tokenBytesMax}`);
  }
}

function refuse(reason: string): never {
  throw systemError("INVALID_ARGUMENT", `SETUP: ${reason}`, { executed: "no" });
}
