import type { Socket } from "node:net";
import type { Env } from "../base/env.ts";
import type { Message } from "../broker/embedded/message.ts";
import { ByteWriter } from "../wire/amqp091/byte-writer.ts";
import {
  writeBodyFrame,
  writeBodyStart,
  writeContentHeader,
  writeDeliver,
  writeHeartbeat,
  writeMethodFrame,
} from "../wire/amqp091/frame-writer.ts";
import { frameBytesMin, frameEnd, frameOverheadBytes } from "../wire/amqp091/limits.ts";
import type { Fields, MethodName } from "../wire/amqp091/method.ts";
import { unsentBytesHigh } from "./bounds.ts";

const pieceBytes: number = 64 * 1024;
const piecesKept = 64;
/** Larger parts of bodies are sent from where they lie. */
const copiedBytesMax: number = 16 * 1024;

/** No larger writes are copied out of a piece: a peer that takes nothing must not keep all of it for a few bytes. */
const smallBytesMax: number = 8 * 1024;

/** Memory to write into, which all connections share: who has nothing to send has none. */
export class Pieces {
  /** What is written and not taken by the peers, of all connections, in bytes of memory. */
  unsentBytes = 0;
  readonly #bytesHigh: number;
  readonly #idle: ByteWriter[] = [];

  /** `bytesHigh`: so much may be unsent before nobody gets more who has not taken what he has. */
  constructor(bytesHigh: number) {
    this.#bytesHigh = bytesHigh;
  }

  get scarce(): boolean {
    return this.unsentBytes > this.#bytesHigh;
  }

  take(): ByteWriter {
    return this.#idle.pop() ?? new ByteWriter(Buffer.allocUnsafeSlow(pieceBytes));
  }

  give(writer: ByteWriter): void {
    writer.at = 0;
    if (this.#idle.length < piecesKept && writer.memory.length === pieceBytes)
      this.#idle.push(writer);
  }
}

/** What is told of an outlet. */
export interface OutletKeeper {
  /** What was too much is sent. */
  drained(): void;
}

/** Writes frames to a socket: those of one turn in one write, or sooner when there are many. */
export class Outlet {
  /** The largest frame that the peer takes, in bytes; 0: any. */
  frameBytesMax: number = frameBytesMin;
  /** Something was sent since somebody looked. */
  active = false;
  readonly #socket: Socket;
  readonly #env: Env;
  readonly #pieces: Pieces;
  readonly #keeper: OutletKeeper;
  readonly #flush: () => void;
  #writer: ByteWriter | undefined;
  #scheduled = false;
  #corked = false;
  #full = false;
  #closed = false;

  constructor(socket: Socket, env: Env, pieces: Pieces, keeper: OutletKeeper) {
    this.#socket = socket;
    this.#env = env;
    this.#pieces = pieces;
    this.#keeper = keeper;
    this.#flush = () => {
      this.#scheduled = false;
      this.flush();
    };
  }

  /** Bytes that the peer has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength + (this.#writer?.at ?? 0);
  }

  /** So much is unsent that nothing more is to be delivered. `drained` is told when that is over. */
  get full(): boolean {
    const most = this.#pieces.scarce ? 0 : unsentBytesHigh;
    return (this.#full ||= this.unsentBytes > most);
  }

  method<Name extends MethodName>(channel: number, name: Name, fields: Fields<Name>): void {
    const writer = this.#room();
    writeMethodFrame(writer, channel, name, fields);
    this.#grown(writer);
  }

  deliver(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    message: Message,
    properties: Uint8Array,
  ): void {
    const { exchange, routingKey, body } = message;
    const writer = this.#room();
    writeDeliver(writer, channel, consumerTag, deliveryTag, redelivered, exchange, routingKey);
    this.#content(writer, channel, properties, body);
  }

  /** A method that bears content, with it. */
  bearing<Name extends MethodName>(
    channel: number,
    name: Name,
    fields: Fields<Name>,
    properties: Uint8Array,
    body: Uint8Array,
  ): void {
    const writer = this.#room();
    writeMethodFrame(writer, channel, name, fields);
    this.#content(writer, channel, properties, body);
  }

  heartbeat(): void {
    const writer = this.#room();
    writeHeartbeat(writer);
  }

  /** Bytes that are no frame. */
  raw(bytes: Uint8Array): void {
    this.#room().bytes(bytes);
  }

  /** Sends what is written. */
  flush(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer !== undefined) this.#send(writer);
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
    if (this.#writer !== undefined) this.#pieces.give(this.#writer);
    this.#writer = undefined;
  }

  #content(writer: ByteWriter, channel: number, properties: Uint8Array, body: Uint8Array): void {
    writeContentHeader(writer, channel, properties, body.length);
    const most = this.frameBytesMax === 0 ? body.length : this.frameBytesMax - frameOverheadBytes;
    let into = writer;
    for (let from = 0; from < body.length; from += most) {
      const to = Math.min(from + most, body.length);
      if (to - from <= copiedBytesMax) writeBodyFrame(into, channel, body, from, to);
      else into = this.#sendInPlace(into, channel, body.subarray(from, to));
      if (into.at > pieceBytes - copiedBytesMax) into = this.#next(into);
    }
    this.#grown(into);
  }

  #sendInPlace(writer: ByteWriter, channel: number, part: Uint8Array): ByteWriter {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
    }
    writeBodyStart(writer, channel, part.length);
    const next = this.#next(writer);
    this.#write(part, part.length);
    next.octet(frameEnd);
    return next;
  }

  /** Sends what one piece holds, and goes on in another. */
  #next(writer: ByteWriter): ByteWriter {
    this.#send(writer);
    return (this.#writer = this.#pieces.take());
  }

  #room(): ByteWriter {
    this.active = true;
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#env.defer(this.#flush);
    }
    return (this.#writer ??= this.#pieces.take());
  }

  #grown(writer: ByteWriter): void {
    if (writer.at > pieceBytes - copiedBytesMax) this.flush();
  }

  #send(writer: ByteWriter): void {
    const { memory, at } = writer;
    if (at <= smallBytesMax) {
      const copy = Buffer.allocUnsafe(at);
      memory.copy(copy, 0, 0, at);
      this.#pieces.give(writer);
      if (at > 0) this.#write(copy, at);
    } else this.#write(memory.subarray(0, at), memory.length, writer);
  }

  /** `weight`: what it keeps in memory until it is taken. `piece`: where it lies. */
  #write(bytes: Uint8Array, weight: number, piece?: ByteWriter): void {
    const pieces = this.#pieces;
    if (this.#closed) return piece && pieces.give(piece);
    pieces.unsentBytes += weight;
    this.#socket.write(bytes, () => {
      pieces.unsentBytes -= weight;
      if (piece !== undefined) pieces.give(piece);
      this.#written();
    });
  }

  #written(): void {
    if (!this.#full || this.#closed || this.unsentBytes > unsentBytesHigh / 2) return;
    this.#full = false;
    this.#keeper.drained();
  }
}
