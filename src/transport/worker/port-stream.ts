import type { MessagePort } from "node:worker_threads";

import { BoundedQueue } from "../../base/bounded-queue.ts";
import type { Env } from "../../base/env.ts";
import type { ByteSink, ByteStream } from "../byte-stream.ts";

/**
 * What travels between two ports: bytes (transferred, not copied), how many of them have been read, or the end. The
 * port itself has no back pressure; this is it.
 */
type Message = ArrayBuffer | number | null;

/**
 * Bytes that may lie unread between two threads before the sender waits: as much as a socket buffers. Held beyond it is
 * at most one write.
 */
const windowBytes = 256 * 1024;

/** Read bytes after which the peer is told: often enough that it does not wait while we read on. */
const creditBytes = windowBytes / 4;

/** What a message costs beside its bytes: without it, tiny ones could lie there without bound. */
const messageCostBytes = 64;

interface Write {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** One end of a message channel as a stream of bytes. */
export class PortStream implements ByteStream {
  readonly #port: MessagePort;
  readonly #env: Env;
  #sink: ByteSink | undefined;
  #paused = false;
  /** What came while nobody read: at most the window and one write more. */
  readonly #incoming: BoundedQueue<ArrayBuffer | null> = new BoundedQueue(Infinity);
  /** Read, and the peer does not know it. */
  #read = 0;
  /** Writes that wait for the peer to read. */
  readonly #writes: BoundedQueue<Write> = new BoundedQueue(Infinity);
  /** Posted, and not read as far as we know. */
  #unread = 0;
  /** Confirms the write that has filled the window. */
  #held: (() => void) | undefined;
  #ending = false;
  #endPosted = false;
  #peerEnding = false;
  #endTold = false;
  #over = false;
  #gone: Error | undefined;

  constructor(port: MessagePort, env: Env) {
    this.#port = port;
    this.#env = env;
    port.on("message", (message: Message) => this.#arrived(message));
    port.on("messageerror", (error) => this.#lost(error));
    port.on("close", () => {
      // Both have ended, and the last of it waits to be read here.
      if (this.#ending && this.#peerEnding) return;
      this.#lost(new Error("the peer is gone: it hung up, or its thread has ended"));
    });
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#env.defer(() => {
      if (this.#gone === undefined) this.#catchUp(sink);
      else sink.closed(this.#gone);
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.#writes.push({ bytes, written });
    this.#post();
  }

  get busy(): boolean {
    return this.#held !== undefined;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const sink = this.#sink;
    if (sink !== undefined && this.#incoming.size > 0) this.#env.defer(() => this.#catchUp(sink));
  }

  end(): void {
    this.#ending = true;
    this.#post();
  }

  destroy(): void {
    this.#lost(new Error("destroyed"));
  }

  /** Posts what waits while the window is open, then the end. */
  #post(): void {
    if (this.#over) return;
    while (this.#unread < windowBytes) {
      const write = this.#writes.shift();
      if (write === undefined) break;
      const { bytes, written } = write;
      // A copy of the exact size: memory that is transferred is gone, and the writer's slab serves again.
      const copy = Buffer.allocUnsafeSlow(bytes.length);
      copy.set(bytes);
      this.#port.postMessage(copy.buffer, [copy.buffer]);
      this.#unread += bytes.length + messageCostBytes;
      if (this.#unread < windowBytes) this.#env.defer(written);
      else this.#held = written;
    }
    if (!this.#ending || this.#endPosted || this.#writes.size > 0) return;
    this.#endPosted = true;
    this.#port.postMessage(null);
    this.#closeWhenDone();
  }

  #arrived(message: Message): void {
    if (this.#over) return;
    if (typeof message === "number") return this.#credited(message);
    if (message === null) this.#peerEnding = true;
    this.#incoming.push(message);
    if (this.#sink !== undefined) this.#catchUp(this.#sink);
  }

  #credited(bytes: number): void {
    this.#unread -= bytes;
    if (this.#unread >= windowBytes) return;
    const held = this.#held;
    this.#held = undefined;
    // What has waited comes before what this confirmation makes the writer send.
    this.#post();
    held?.();
  }

  #catchUp(sink: ByteSink): void {
    while (!this.#paused && !this.#over) {
      const chunk = this.#incoming.shift();
      if (chunk === undefined) return;
      if (chunk === null) {
        this.#endTold = true;
        sink.ended();
        return this.#closeWhenDone();
      }
      sink.bytes(Buffer.from(chunk), 0, chunk.byteLength);
      this.#confirm(chunk.byteLength + messageCostBytes);
    }
  }

  #confirm(bytes: number): void {
    this.#read += bytes;
    if (this.#read < creditBytes || this.#over) return;
    this.#port.postMessage(this.#read);
    this.#read = 0;
  }

  #closeWhenDone(): void {
    if (!this.#endPosted || !this.#endTold || this.#over) return;
    this.#close();
    this.#env.defer(() => this.#sink?.closed(undefined));
  }

  #lost(error: Error): void {
    if (this.#over) return;
    this.#gone = error;
    this.#close();
    const sink = this.#sink;
    if (sink !== undefined) this.#env.defer(() => sink.closed(error));
  }

  #close(): void {
    this.#over = true;
    this.#incoming.clear();
    this.#writes.clear();
    this.#port.close();
  }
}
