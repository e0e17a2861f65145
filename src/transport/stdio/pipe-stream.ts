import type { Readable, Writable } from "node:stream";

import type { Env } from "../../base/env.ts";
import type { ByteSink, ByteStream } from "../byte-stream.ts";

const nothing = new Uint8Array(0);

/** How a pair of pipes came to its end: both sides had ended, we have destroyed it, or it broke. */
export type PipesEnd = "done" | "destroyed" | Error;

/** Two pipes, one for each direction, as one stream of bytes. */
export class PipeStream implements ByteStream {
  readonly #reader: Readable;
  readonly #writer: Writable;
  readonly #env: Env;
  readonly #onOver: (end: PipesEnd) => void;
  #sink: ByteSink | undefined;
  #ending = false;
  #peerEnded = false;
  #destroyed = false;
  /** What must happen before all is over: both pipes close, and the end that was read is told. */
  #pending = 2;
  #error: Error | undefined;
  #last: { readonly error: Error | undefined } | undefined;

  /** `onOver` is called when both pipes are closed; it calls `close` when all is over, at once or later. */
  constructor(reader: Readable, writer: Writable, env: Env, onOver: (end: PipesEnd) => void) {
    this.#reader = reader;
    this.#writer = writer;
    this.#env = env;
    this.#onOver = onOver;
    // A turn later: the two pipes of a process that dies are closed one after the other.
    reader.on("end", () => {
      this.#pending++;
      env.yield(() => this.#ended());
    });
    for (const pipe of [reader, writer]) {
      pipe.on("error", (error: Error) => {
        this.#error ??= error;
        // One direction alone is no connection.
        this.#closePipes();
      });
      pipe.once("close", () => this.#settled());
    }
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    const last = this.#last;
    if (last !== undefined) return this.#env.defer(() => sink.closed(last.error));
    this.#reader.on("data", (chunk: Buffer) => sink.bytes(chunk, 0, chunk.length));
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    this.#writer.write(bytes, written);
  }

  get busy(): boolean {
    return this.#writer.writableLength > 0;
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
  }

  end(): void {
    this.#ending = true;
    // Only a closed pipe tells the peer.
    this.#writer.end(() => this.#writer.destroy());
  }

  destroy(): void {
    this.#destroyed = true;
    this.#closePipes();
  }

  /** Nobody takes what we write any more; what the peer has sent is still read. */
  stopWriting(): void {
    this.#writer.destroy();
  }

  /** The last word to the sink. */
  close(error: Error | undefined): void {
    this.#last = { error };
    this.#sink?.closed(error);
  }

  /**
   * A peer that has only ended still takes what we send, a peer that has died does not. Where the pipe is a pair of
   * sockets, as between two Node processes, an empty write tells: it fails with EPIPE when nobody is there.
   */
  #ended(): void {
    const heard = (died: boolean): void => {
      if (!died && !this.#destroyed && this.#error === undefined) {
        this.#peerEnded = true;
        this.#sink!.ended();
      }
      this.#settled();
    };
    if (this.#ending || this.busy || this.#destroyed) return heard(false);
    this.#writer.write(nothing, (error) => heard(error instanceof Error));
  }

  #closePipes(): void {
    this.#reader.destroy();
    this.#writer.destroy();
  }

  #settled(): void {
    if (--this.#pending > 0) return;
    if (this.#destroyed) this.#onOver("destroyed");
    else if (this.#error === undefined && this.#ending && this.#peerEnded) this.#onOver("done");
    else this.#onOver(this.#error ?? new Error("the peer has closed its pipes"));
  }
}
