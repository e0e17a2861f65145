import { Flag, flagsOf, frameName, FrameType } from "./frame-type.ts";
import { readInt32, readUint16 } from "./int32.ts";
import { headerBytes, lengthBytes } from "./limits.ts";

/**
 * One frame as it stands in borrowed memory: numbers and offsets, nothing copied. A connection keeps one view and
 * reads each frame into it, so a view is good until the next `read`.
 *
 * The standard asks receivers to be lenient ("Handling the Unexpected"), so `read` tells two kinds of bad frames apart
 * by `ignorable`: those which must or may be dropped, and those after which the connection is to be closed.
 */
export class FrameView {
  /** Where the frame stands. */
  from = 0;
  to = 0;
  /** 0 is the connection. */
  streamId = 0;
  /** A `FrameType`. */
  type = 0;
  /**
   * `Flag` bits, only those that the type defines. METADATA is always set on METADATA_PUSH, and FOLLOWS never together
   * with COMPLETE on PAYLOAD: there COMPLETE wins ("implicitly ignores the F flag").
   */
  flags = 0;
  /** Credit: of REQUEST_N, or the initial one of REQUEST_STREAM and REQUEST_CHANNEL. At least 1, else 0. */
  requestN = 0;
  /** Of ERROR: an `ErrorCode`, or one of the application's. */
  errorCode = 0;
  /** Of KEEPALIVE and RESUME_OK: the last received position, exact up to `positionMax`. */
  position = 0;
  /** Of LEASE: milliseconds. */
  ttlMs = 0;
  /** Of LEASE: requests allowed. */
  requests = 0;
  /** Of EXT. */
  extendedType = 0;
  /** Metadata; an empty range when there is none (the METADATA flag tells none from empty). */
  metadataFrom = 0;
  metadataTo = 0;
  /**
   * Data of requests and PAYLOAD, the text of ERROR, the data of KEEPALIVE. Of SETUP, RESUME and EXT: all that
   * follows the header, which `readSetup` and `readResume` take apart.
   */
  dataFrom = 0;
  dataTo = 0;
  /**
   * After a fault: the frame is to be dropped, not to be answered by closing the connection. Either its sender said
   * so (IGNORE), or the standard does (a stream's frame on stream 0 and the reverse). Before the SETUP nothing may be
   * dropped: there every fault is INVALID_SETUP.
   */
  ignorable = false;

  /**
   * Reads the frame at `from` to `to` of `memory`, where 0 ≤ from ≤ to ≤ memory.length; never reads beyond.
   * Returns undefined, or what is wrong, in words for the ERROR frame and the log. After a fault only `from`, `to`,
   * `ignorable` and, when the frame has at least six bytes, `streamId`, `type` and `flags` are to be trusted.
   */
  read(memory: Buffer, from: number, to: number): string | undefined {
    this.from = from;
    this.to = to;
    this.requestN = 0;
    this.metadataFrom = this.metadataTo = this.dataFrom = this.dataTo = to;
    const bodyFrom = from + headerBytes;
    if (to < bodyFrom) return this.#tooShortForHeader();
    const streamId = readInt32(memory, from);
    const word = readUint16(memory, from + 4);
    const type = word >>> 10;
    const flags = word & flagsOf(type);
    this.streamId = streamId;
    this.type = type;
    this.flags = flags;
    this.ignorable = (flags & Flag.IGNORE) !== 0;
    if (streamId < 0) return "the reserved bit of the stream id is set";

    switch (type) {
      case FrameType.PAYLOAD:
        if (streamId === 0) return this.#needsStream();
        if ((flags & Flag.COMPLETE) !== 0) this.flags = flags & ~Flag.FOLLOWS;
        else if ((flags & (Flag.NEXT | Flag.FOLLOWS)) === 0) return neitherNextNorComplete;
        return this.#body(memory, bodyFrom);
      case FrameType.REQUEST_RESPONSE:
      case FrameType.REQUEST_FNF:
        return streamId === 0 ? this.#needsStream() : this.#body(memory, bodyFrom);
      case FrameType.REQUEST_STREAM:
      case FrameType.REQUEST_CHANNEL:
        if (streamId === 0) return this.#needsStream();
        return this.#credit(memory, bodyFrom) ?? this.#body(memory, bodyFrom + 4);
      case FrameType.REQUEST_N:
        return streamId === 0 ? this.#needsStream() : this.#credit(memory, bodyFrom);
      case FrameType.CANCEL:
        return streamId === 0 ? this.#needsStream() : undefined;
      case FrameType.ERROR:
        if (to < bodyFrom + 4) return this.#tooShort(bodyFrom + 4);
        this.errorCode = memory.readUInt32BE(bodyFrom);
        this.dataFrom = bodyFrom + 4;
        return undefined;
      default:
        return this.#connectionFrame(memory, bodyFrom);
    }
  }

  /** The frames of stream 0, and those that nobody knows. */
  #connectionFrame(memory: Buffer, bodyFrom: number): string | undefined {
    switch (this.type) {
      case FrameType.KEEPALIVE:
        if (this.to < bodyFrom + 8) return this.#tooShort(bodyFrom + 8);
        if (memory[bodyFrom]! > 0x7f) return "KEEPALIVE: the reserved bit of the position is set";
        this.position = readPosition(memory, bodyFrom);
        this.dataFrom = bodyFrom + 8;
        break;
      case FrameType.LEASE:
        if (this.to < bodyFrom + 8) return this.#tooShort(bodyFrom + 8);
        this.ttlMs = memory.readInt32BE(bodyFrom);
        this.requests = memory.readInt32BE(bodyFrom + 4);
        if (this.ttlMs < 0 || this.requests < 0) return "LEASE: a reserved bit is set";
        this.#onlyMetadata(bodyFrom + 8);
        break;
      case FrameType.METADATA_PUSH:
        this.flags |= Flag.METADATA;
        this.#onlyMetadata(bodyFrom);
        break;
      case FrameType.RESUME_OK:
        if (this.to < bodyFrom + 8) return this.#tooShort(bodyFrom + 8);
        if (memory[bodyFrom]! > 0x7f) return "RESUME_OK: the reserved bit of the position is set";
        this.position = readPosition(memory, bodyFrom);
        break;
      case FrameType.SETUP:
      case FrameType.RESUME:
        // Not dropped: these open the connection, and a connection that is not opened must be closed.
        this.dataFrom = bodyFrom;
        return this.streamId === 0 ? undefined : this.#needsConnection();
      case FrameType.EXT:
        if (this.to < bodyFrom + 4) return this.#tooShort(bodyFrom + 4);
        this.extendedType = memory.readInt32BE(bodyFrom);
        this.dataFrom = bodyFrom + 4;
        return `EXT: the extended type ${this.extendedType} is not known`;
      default:
        return `the frame type ${frameName(this.type)} is not known`;
    }
    if (this.streamId === 0) return undefined;
    this.ignorable = true; // "All other received frames … MUST be ignored", METADATA_PUSH is an example there.
    return this.#needsConnection();
  }

  /** Optional metadata with its length, then data. */
  #body(memory: Buffer, at: number): string | undefined {
    if ((this.flags & Flag.METADATA) === 0) {
      this.dataFrom = at;
      return undefined;
    }
    const metadataFrom = at + lengthBytes;
    if (metadataFrom > this.to) return this.#tooShort(metadataFrom);
    const metadataTo = metadataFrom + ((memory[at]! << 16) | readUint16(memory, at + 1));
    if (metadataTo > this.to) {
      return `${frameName(this.type)}: the metadata ends ${metadataTo - this.to} bytes after the frame`;
    }
    this.metadataFrom = metadataFrom;
    this.metadataTo = metadataTo;
    this.dataFrom = metadataTo;
    return undefined;
  }

  #onlyMetadata(at: number): void {
    if ((this.flags & Flag.METADATA) !== 0) this.metadataFrom = at;
  }

  #credit(memory: Buffer, at: number): string | undefined {
    if (at + 4 > this.to) return this.#tooShort(at + 4);
    const requestN = readInt32(memory, at);
    if (requestN <= 0) return `${frameName(this.type)}: the credit must be 1 to 2147483647`;
    this.requestN = requestN;
    return undefined;
  }

  #needsStream(): string {
    this.ignorable = true; // "Receiving a CANCEL on an unknown Stream ID (including 0) MUST be ignored", and others.
    return `${frameName(this.type)} on stream 0, but it concerns a stream`;
  }

  #needsConnection(): string {
    return `${frameName(this.type)} on stream ${this.streamId}, but it concerns the connection`;
  }

  #tooShort(least: number): string {
    const { from, to, type } = this;
    return `${frameName(type)}: ${to - from} bytes are too short, ${least - from} is the least`;
  }

  #tooShortForHeader(): string {
    this.streamId = this.type = this.flags = 0;
    this.ignorable = false;
    return `a frame of ${this.to - this.from} bytes is too short for its header`;
  }
}

const neitherNextNorComplete = "PAYLOAD: neither NEXT nor COMPLETE is set";

/** The text of an ERROR frame that was read into `view`; bytes that are not UTF-8 become U+FFFD. */
export function readErrorText(memory: Buffer, view: FrameView): string {
  return memory.toString("utf8", view.dataFrom, view.dataTo);
}

/** A position of a resumable connection, rounded past `positionMax`. */
export function readPosition(memory: Buffer, at: number): number {
  return memory.readUInt32BE(at) * 0x1_0000_0000 + memory.readUInt32BE(at + 4);
}
