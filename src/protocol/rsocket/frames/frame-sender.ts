import type { Connection } from "../../../transport/transport.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import { fragmentHeadBytes, Fragments } from "../../../wire/fragments.ts";
import { headerBytes } from "../../../wire/limits.ts";
import {
  leaseFrameBytes,
  writeLease,
  cancelFrameBytes,
  completeFrameBytes,
  errorFrameBytesMax,
  keepaliveBytes,
  requestNFrameBytes,
  writeCancel,
  writeComplete,
  writeError,
  writeHeader,
  writeInitialRequestN,
  writeKeepalive,
  writeMetadataLength,
  writeMetadataPush,
  writeRequestN,
} from "../../../wire/write.ts";
import type { Attempt } from "../../attempt.ts";
import { frameOverheadBytes } from "../bounds.ts";
import { fragmentBytesMax, type FragmentQueue } from "./fragment-queue.ts";
import { fixedBytes, writeFixed } from "../metadata/metadata.ts";

/** A value in the form that its codec gave it. */
export type Payload = string | Uint8Array;

/** The texts up to this length are claimed at three bytes a character; longer ones are measured first. */
const shortText = 1_024;

/** The most bytes that `payload` takes when written. */
function payloadBytesMax(payload: Payload): number {
  if (typeof payload !== "string") return payload.length;
  return payload.length <= shortText ? payload.length * 3 : Buffer.byteLength(payload);
}

/** The bytes that `payload` takes when they are more than `bytesMax`, else 0: only what comes near is measured. */
export function bytesBeyond(payload: Payload, bytesMax: number): number {
  const text = typeof payload === "string";
  if ((text ? payload.length * 3 : payload.length) <= bytesMax) return 0;
  const bytes = text ? Buffer.byteLength(payload) : payload.length;
  return bytes > bytesMax ? bytes : 0;
}

/**
 * Puts frames straight into the connection's memory: claim, write, commit. No user code runs in between. What is too
 * large for one frame goes through the queue, and so does what belongs behind it.
 */
export class FrameSender {
  readonly connection: Connection;
  readonly #queue: FragmentQueue;
  /** The most data of a request that goes in one frame, whatever its metadata; below 0 where frames are small. */
  readonly #requestDataMax: number;

  constructor(connection: Connection, queue: FragmentQueue, frameBytesMax: number) {
    this.connection = connection;
    this.#queue = queue;
    this.#requestDataMax = Math.min(fragmentBytesMax, frameBytesMax - frameOverheadBytes);
  }

  /** Of the clock that both sides have in common; undefined where they have none, or nobody knows. */
  clockOffsetMs: number | undefined = undefined;

  /** A frame that begins a stream; `credit` is 0 where the type has no initial credit. */
  request(
    streamId: number,
    type: number,
    credit: number,
    index: number,
    codec: number,
    ordered: boolean,
    attempt: Attempt,
    extensions: Buffer | undefined,
    now: number,
    payload: Payload,
  ): void {
    const { connection } = this;
    const metadataBytes = fixedBytes + (extensions === undefined ? 0 : extensions.length);
    const dataBytes = payloadBytesMax(payload);
    const lent = dataBytes > this.#requestDataMax && this.#lent(payload, metadataBytes);
    if (dataBytes > this.#requestDataMax && !lent) {
      const metadata = Buffer.allocUnsafe(metadataBytes);
      const at = writeFixed(metadata, 0, index, codec, attempt, now, this.clockOffsetMs);
      extensions?.copy(metadata, at);
      const fragments = new Fragments(streamId, type, 0, credit, metadata, bytesOf(payload));
      this.#cut(fragments, ordered);
      return;
    }
    let at = connection.claim(fragmentHeadBytes + metadataBytes + (lent ? 0 : dataBytes));
    const memory = connection.outgoing;
    at = writeHeader(memory, at, streamId, type, Flag.METADATA);
    if (credit > 0) at = writeInitialRequestN(memory, at, credit);
    at = writeMetadataLength(memory, at, metadataBytes);
    at = writeFixed(memory, at, index, codec, attempt, now, this.clockOffsetMs);
    if (extensions !== undefined) at += extensions.copy(memory, at);
    connection.commit(lent ? at : writePayload(memory, at, payload));
  }

  /** The same with metadata that is written already: for peers that are not Trunkline. */
  described(
    streamId: number,
    type: number,
    credit: number,
    metadata: Buffer,
    ordered: boolean,
    payload: Payload,
  ): void {
    const { connection } = this;
    const dataBytes = payloadBytesMax(payload);
    if (dataBytes > this.#requestDataMax) {
      this.#cut(new Fragments(streamId, type, 0, credit, metadata, bytesOf(payload)), ordered);
      return;
    }
    let at = connection.claim(fragmentHeadBytes + metadata.length + dataBytes);
    const memory = connection.outgoing;
    at = writeHeader(memory, at, streamId, type, Flag.METADATA);
    if (credit > 0) at = writeInitialRequestN(memory, at, credit);
    at = writeMetadataLength(memory, at, metadata.length);
    at += metadata.copy(memory, at);
    connection.commit(writePayload(memory, at, payload));
  }

  /** A PAYLOAD with an item and without metadata. */
  payload(streamId: number, flags: number, payload: Payload): void {
    const { connection } = this;
    const bytes = payloadBytesMax(payload);
    if (bytes > this.#queue.bytesMax || this.#queue.size > 0) {
      if (this.#behind(streamId, () => this.payload(streamId, flags, payload))) return;
      if (bytes > this.#queue.bytesMax && this.#lent(payload, 0)) {
        const at = connection.claim(headerBytes);
        const { outgoing } = connection;
        connection.commit(writeHeader(outgoing, at, streamId, FrameType.PAYLOAD, flags));
        return;
      }
      if (bytes > this.#queue.bytesMax) {
        const data = bytesOf(payload);
        const fragments = new Fragments(streamId, FrameType.PAYLOAD, flags, 0, undefined, data);
        this.#queue.add(fragments);
        return;
      }
    }
    const at = connection.claim(headerBytes + bytes);
    const memory = connection.outgoing;
    connection.commit(
      writePayload(memory, writeHeader(memory, at, streamId, FrameType.PAYLOAD, flags), payload),
    );
  }

  complete(streamId: number): void {
    if (this.#queue.size > 0 && this.#behind(streamId, () => this.complete(streamId))) return;
    const at = this.connection.claim(completeFrameBytes);
    this.connection.commit(writeComplete(this.connection.outgoing, at, streamId));
  }

  error(streamId: number, code: number, text: string): void {
    if (this.#queue.size > 0 && this.#behind(streamId, () => this.error(streamId, code, text)))
      return;
    const at = this.connection.claim(errorFrameBytesMax("") + payloadBytesMax(text));
    this.connection.commit(writeError(this.connection.outgoing, at, streamId, code, text));
  }

  cancel(streamId: number): void {
    const at = this.connection.claim(cancelFrameBytes);
    this.connection.commit(writeCancel(this.connection.outgoing, at, streamId));
  }

  requestN(streamId: number, items: number): void {
    const at = this.connection.claim(requestNFrameBytes);
    this.connection.commit(writeRequestN(this.connection.outgoing, at, streamId, items));
  }

  /** With `data` the answer to a KEEPALIVE, which echoes what came; without, the question. */
  keepalive(respond: boolean, data: Uint8Array | undefined): void {
    const at = this.connection.claim(keepaliveBytes + (data?.length ?? 0));
    const memory = this.connection.outgoing;
    const end = writeKeepalive(memory, at, respond, 0);
    this.connection.commit(data === undefined ? end : writePayload(memory, end, data));
  }

  lease(ttlMs: number, requests: number): void {
    const at = this.connection.claim(leaseFrameBytes);
    this.connection.commit(writeLease(this.connection.outgoing, at, ttlMs, requests));
  }

  metadataPush(text: string): void {
    const at = this.connection.claim(headerBytes + payloadBytesMax(text));
    const memory = this.connection.outgoing;
    this.connection.commit(writePayload(memory, writeMetadataPush(memory, at), text));
  }

  /** True: what is written next has `payload` for its data, which must not be written again. */
  #lent(payload: Payload, metadataBytes: number): boolean {
    if (typeof payload === "string") return false;
    return this.connection.lend?.(payload, fragmentHeadBytes + metadataBytes) ?? false;
  }

  #cut(request: Fragments, ordered: boolean): void {
    if (ordered) this.#queue.addOrdered(request);
    else this.#queue.addRequest(request);
  }

  /** A frame that goes behind the fragments of its stream; by then the connection may not take it any more. */
  #behind(streamId: number, write: () => void): boolean {
    return this.#queue.behind(streamId, () => {
      try {
        write();
      } catch (error) {
        this.connection.destroy(error instanceof Error ? error.message : String(error));
      }
    });
  }
}

/** A payload as bytes. */
export function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

function writePayload(memory: Buffer, at: number, payload: Payload): number {
  if (typeof payload === "string") return at + memory.write(payload, at, "utf8");
  memory.set(payload, at);
  return at + payload.length;
}
