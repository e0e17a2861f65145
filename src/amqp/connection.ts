import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { OpenSocket } from "../transport/transport.ts";
import { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { FrameReader, type FrameTaker } from "../wire/amqp091/frame-reader.ts";
import {
  frameBody,
  frameBytesMin,
  frameOverheadBytes,
  frameHeader,
  frameHeartbeat,
  frameMethod,
} from "../wire/amqp091/limits.ts";
import { unsentBytesMax, type Bounds } from "./bounds.ts";
import { Fault, faultOf } from "./fault.ts";
import { Heartbeat, type Beating } from "./heartbeat.ts";
import { Outlet, type OutletKeeper, type Pieces } from "./outlet.ts";

/** What a connection asks of what is said over it. */
export interface ConnectionUser {
  /** The client has sent the protocol header that it should. */
  greeted(): void;
  /** Takes a method, of which the reader stands behind the number. @throws Fault */
  method(channel: number, id: number, reader: ByteReader): void;
  header(channel: number, reader: ByteReader): void;
  body(channel: number, memory: Buffer, from: number, to: number): void;
  /** What was done there has failed. Returns whether the connection can go on. */
  failed(fault: Fault, channel: number, methodId: number): boolean;
  /** What it has not taken is little again. */
  drained(): void;
  /** It is over; told once. */
  gone(): void;
}

/** What a connection finds around it. */
export interface ConnectionPlace {
  readonly env: Env;
  readonly bounds: Bounds;
  readonly pieces: Pieces;
}

/** The bytes that a client begins with: `AMQP`, 0, and the version 0-9-1. */
const protocolHeader: Buffer = Buffer.from("AMQP\0\0\x09\x01", "latin1");

/** How long a peer may take to say that it knows that its connection is closed, in milliseconds. */
const closingMs = 5_000;

/** The largest frame before both sides have agreed on one: what a client says of itself may be longer than the standard has it. */
const openingFrameBytesMax: number = 2 * frameBytesMin;

type State = "greeting" | "open" | "closing" | "closed";

/** The frames of one connection: reads them, writes them, and keeps watch. What they say is for its user. */
export class Connection implements FrameTaker, OutletKeeper, Beating {
  readonly outlet: Outlet;
  readonly #place: ConnectionPlace;
  readonly #opened: OpenSocket;
  readonly #user: ConnectionUser;
  readonly #frames: FrameReader;
  readonly #reader: ByteReader = new ByteReader();
  #state: State = "greeting";
  #greeting: Buffer = Buffer.alloc(0);
  #heartbeat: Heartbeat;
  #patience: Alarm;
  /** How much is done that reading waits for. */
  #held = 0;
  #stopped = false;
  #paused = false;
  #methodId = 0;

  constructor(opened: OpenSocket, user: ConnectionUser, place: ConnectionPlace) {
    const { env, pieces, bounds } = place;
    const { socket } = opened;
    this.#opened = opened;
    this.#user = user;
    this.#place = place;
    this.outlet = new Outlet(socket, env, pieces, this);
    this.#frames = new FrameReader(this, openingFrameBytesMax);
    this.#heartbeat = new Heartbeat(env, 0, this);
    this.#patience = alarmAt(env, env.now() + bounds.handshakeMs, () => this.destroy());
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#data(chunk));
    socket.on("error", () => undefined);
    socket.on("end", () => this.destroy());
    socket.on("close", () => this.destroy());
    socket.resume();
  }

  /** The largest frame of both sides, and after which time without a word the peer is dead. */
  tune(frameBytesMax: number, heartbeatSeconds: number): void {
    // Some clients count the framing not in, and RabbitMQ lets them.
    this.#frames.frameBytesMax = frameBytesMax + frameOverheadBytes;
    this.outlet.frameBytesMax = frameBytesMax;
    this.#heartbeat.stop();
    this.#heartbeat = new Heartbeat(this.#place.env, heartbeatSeconds, this);
  }

  /** The handshake is over. */
  settled(): void {
    this.#place.env.clear(this.#patience);
  }

  /** Reads nothing more until `work` is done. What it throws is a failure of the channel; 0: of the connection. */
  hold(work: Promise<unknown>, channel: number): void {
    this.#held++;
    this.#frames.pause();
    const methodId = this.#methodId;
    void work
      .catch((error: unknown) => this.#fail(error, channel, methodId))
      .then(() => this.#release());
  }

  /** Hands on no further frame, or goes on: a publisher is to wait, with the message that it has begun. */
  stop(stopped: boolean): void {
    this.#stopped = stopped;
    if (stopped) this.#frames.pause();
    else if (this.#held === 0) this.#read(() => this.#frames.resume());
    this.#regulate();
  }

  /** Frames do not count any more, but for what answers that it is closed: that is waited for. */
  closing(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#patient();
    if (this.#stopped) this.stop(false);
  }

  /** Sends what is written, and closes when the peer does. */
  end(): void {
    if (this.#state === "closed") return;
    this.outlet.flush();
    this.#opened.socket.end();
    this.#patient();
  }

  destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#frames.stop();
    this.#heartbeat.stop();
    this.#place.env.clear(this.#patience);
    this.outlet.flush();
    this.outlet.close();
    this.#opened.socket.destroy();
    this.#user.gone();
  }

  frame(type: number, channel: number, memory: Buffer, from: number, to: number): void {
    try {
      this.#take(type, channel, memory, from, to);
    } catch (error) {
      this.#fail(error, channel, this.#methodId);
    }
  }

  #take(type: number, channel: number, memory: Buffer, from: number, to: number): void {
    const reader = this.#reader.reset(memory, from, to);
    if (type === frameMethod) {
      const id = reader.long();
      this.#methodId = id;
      return this.#user.method(channel, id, reader);
    }
    if (type === frameHeader) return this.#user.header(channel, reader);
    if (type === frameBody) return this.#user.body(channel, memory, from, to);
    if (type !== frameHeartbeat) throw new Fault("FRAME_ERROR", `a frame of type ${type}`);
    if (channel !== 0) throw new Fault("UNEXPECTED_FRAME", `a heartbeat on channel ${channel}`);
  }

  sent(): boolean {
    const { active } = this.outlet;
    this.outlet.active = false;
    return active;
  }

  beat(): void {
    this.outlet.heartbeat();
    this.outlet.active = false;
  }

  get listening(): boolean {
    return !this.#paused;
  }

  silent(): void {
    this.destroy();
  }

  drained(): void {
    this.#regulate();
    this.#user.drained();
  }

  #data(chunk: Buffer): void {
    this.#heartbeat.heard();
    let rest = chunk;
    if (this.#state === "greeting") rest = this.#greet(chunk);
    if (this.#state !== "closed" && rest.length > 0) this.#read(() => this.#frames.push(rest));
    this.#regulate();
  }

  #read(read: () => void): void {
    try {
      read();
    } catch (error) {
      // The frames themselves are wrong: nobody knows where the next one begins, so no answer is waited for.
      this.#frames.stop();
      this.#fail(new Fault("FRAME_ERROR", faultText(error)), 0, 0);
      this.end();
    }
  }

  /** Takes the first eight bytes; gives back what follows them. Who speaks another version is told ours. */
  #greet(chunk: Buffer): Buffer {
    const missing = protocolHeader.length - this.#greeting.length;
    this.#greeting = Buffer.concat([this.#greeting, chunk.subarray(0, missing)]);
    const { length } = this.#greeting;
    if (this.#greeting.compare(protocolHeader, 0, length) !== 0) {
      this.outlet.raw(protocolHeader);
      this.#state = "closing";
      this.#frames.stop();
      this.end();
      return Buffer.alloc(0);
    }
    if (length === protocolHeader.length) {
      this.#state = "open";
      this.#user.greeted();
    }
    return chunk.subarray(missing);
  }

  #release(): void {
    if (--this.#held > 0 || this.#stopped || this.#state === "closed") return;
    this.#read(() => this.#frames.resume());
    this.#regulate();
  }

  #fail(error: unknown, channel: number, methodId: number): void {
    if (this.#state === "closed" || this.#state === "closing") return;
    if (!this.#user.failed(faultOf(error), channel, methodId)) this.closing();
  }

  /** Reads, or does not, as there is reason to. */
  #regulate(): void {
    const { outlet } = this;
    const much = outlet.full && outlet.unsentBytes > unsentBytesMax;
    const paused = this.#stopped || this.#held > 0 || much;
    if (paused === this.#paused || this.#state === "closed") return;
    this.#paused = paused;
    if (paused) this.#opened.socket.pause();
    else {
      this.#heartbeat.heard();
      this.#opened.socket.resume();
    }
  }

  #patient(): void {
    const { env } = this.#place;
    env.set(this.#patience, env.now() + closingMs);
  }
}

function faultText(error: unknown): string {
  return faultOf(error).message.replace(/^[A-Z_]+ - /, "");
}
