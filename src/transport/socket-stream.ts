import { connect, type NetConnectOpts, type Socket } from "node:net";

import type { Env } from "../base/env.ts";
import type { ByteSink, ByteStream } from "./byte-stream.ts";

/**
 * One buffer into which all dialled sockets of the process read: what they receive is borrowed and used up within the
 * callback. Twice the bytes a second of a buffer for each read; 256 KiB is what the kernel holds at most for a local
 * socket. Accepted sockets cannot have it without private API: each of their reads allocates 64 KiB.
 */
let sharedReadBuffer: Buffer | undefined;
const readBytes = 256 * 1024;

const nothing = new Uint8Array(0);

/** What Node has below a socket, without a public name. */
interface Handle {
  readonly fd: number;
  reading: boolean;
  readStop(): void;
}

/** By what Node makes a socket read. */
interface Reading {
  _handle?: Handle | null;
  read(bytes?: number): unknown;
  _read(bytes: number): void;
}

/** A `node:net` socket as a stream of bytes. Half-closing works only for sockets made with `allowHalfOpen`. */
export class SocketStream implements ByteStream {
  readonly socket: Socket;
  readonly #env: Env;
  #sink: ByteSink | undefined;
  #paused = false;
  #ending = false;
  /** The peer had ended before anybody read. */
  #endedEarly = false;
  #closed = false;
  #error: Error | undefined;
  /** Somebody else reads it. */
  #detached = false;
  /** Node reads into the shared buffer, and begins with `resume` alone. */
  #intoBuffer = false;

  /** Begins to connect. Nothing is read before `open`. */
  static connect(target: NetConnectOpts, env: Env): SocketStream {
    sharedReadBuffer ??= Buffer.allocUnsafeSlow(readBytes);
    const socket = connect({
      ...target,
      allowHalfOpen: true,
      onread: {
        buffer: sharedReadBuffer,
        callback: (bytes, memory) => {
          stream.#sink?.bytes(memory as Buffer, 0, bytes);
          // A pause right after a resume does not stop the socket by itself.
          return !stream.#paused;
        },
      },
    });
    const stream = new SocketStream(socket, env);
    stream.#intoBuffer = true;
    return stream;
  }

  /** Takes over a paused socket that is connected, made with `allowHalfOpen`. */
  static over(socket: Socket, env: Env): SocketStream {
    const stream = new SocketStream(socket, env);
    socket.on("data", (chunk: Buffer) => stream.#sink?.bytes(chunk, 0, chunk.length));
    socket.pause();
    return stream;
  }

  private constructor(socket: Socket, env: Env) {
    this.socket = socket;
    this.#env = env;
    socket.pause();
    this.#closed = socket.closed;
    this.#error = socket.errored ?? undefined;
    this.#endedEarly = socket.readableEnded;
    socket.on("error", (error) => (this.#error = error));
    socket.on("end", () => this.#peerEnded());
    socket.on("close", () => {
      this.#closed = true;
      this.#sink?.closed(this.#error);
    });
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    if (this.#closed) return this.#env.defer(() => sink.closed(this.#error));
    if (this.#endedEarly) this.#env.defer(() => this.#peerEnded());
    this.#resume();
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    this.socket.write(bytes, written);
  }

  get busy(): boolean {
    return this.socket.writableLength > 0;
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#resume();
  }

  /** Where there is a buffer to read into, Node begins to read at once, whatever `_read` is. */
  #resume(): void {
    if (!this.#detached) this.socket.resume();
  }

  end(): void {
    this.#ending = true;
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Its descriptor; -1: it is closed. Node has no public name for it. */
  get fd(): number {
    const { _handle: handle } = this.socket as { _handle?: Handle | null };
    return handle?.fd ?? -1;
  }

  /**
   * Reads nothing more, and leaves what comes in the socket, for somebody who reads it by its descriptor, which is returned. To pause
   * is not enough: Node reads ahead, and what was resumed in this turn begins to read in a later one.
   */
  detach(): number {
    const socket = this.socket as Reading;
    const { _handle: handle } = socket;
    if (handle === null || handle === undefined) return -1;
    this.#detached = true;
    this.socket.pause();
    socket.read = () => null;
    socket._read = () => {};
    if (handle.reading) {
      handle.reading = false;
      handle.readStop();
    }
    return handle.fd;
  }

  /** Reads again, unless it is paused. */
  attach(): void {
    const socket = this.socket as Partial<Reading>;
    this.#detached = false;
    delete socket.read;
    delete socket._read;
    if (!this.#paused) this.socket.resume();
    // Where it had been reading ahead, Node believes that it still is, and would never begin again.
    if (!this.#intoBuffer) (this.socket as unknown as Reading)._read(0);
  }

  /**
   * A peer that has only ended still takes what we send, a peer that has died does not, and the end of its bytes looks
   * the same. On a local socket an empty write tells: it fails with EPIPE when nobody is there, and `closed` follows. Over
   * TCP and TLS it only tells what has come already.
   */
  #peerEnded(): void {
    if (this.#sink === undefined) {
      this.#endedEarly = true;
      return;
    }
    if (this.#closed) return;
    if (this.#ending || this.busy) return this.#sink?.ended();
    this.socket.write(nothing, (error) => {
      if (!error) this.#sink?.ended();
    });
  }
}
