import type { Env } from "../../base/env.ts";
import type { ByteSink, ByteStream } from "../byte-stream.ts";

/**
 * A stream of bytes that crosses from one open way to another, each direction for itself: who writes says when, in the bytes, and is not held
 * up; who reads follows when it has come to that place, however long it pauses before. A direction of a way that is not used, any more or
 * at all, is ended.
 */
export class TwoWays implements ByteStream {
  readonly #env: Env;
  readonly #first: ByteStream;
  #second: ByteStream | undefined;
  /** Where bytes come from, and where they go. */
  #in: ByteStream;
  #out: ByteStream;
  #sink: ByteSink | undefined;
  #paused = false;
  #ending = false;
  #closed = false;
  /**
   * The first way has ended while the user had paused, who may have in hand what says that it goes on by the second one: whether that was the
   * end is known when it reads again.
   */
  #endUntold = false;
  /** All has closed, in order, before that. */
  #closeUntold = false;

  constructor(first: ByteStream, env: Env) {
    this.#env = env;
    this.#first = first;
    this.#in = first;
    this.#out = first;
  }

  // ---- the user above -----------------------------------------------------------------------------------------------

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#first.open({
      bytes: (memory, from, to) => {
        if (this.#in === this.#first) sink.bytes(memory, from, to);
        else this.#first.destroy(); // the peer had said that nothing comes this way any more
      },
      ended: () => this.#firstEnded(),
      closed: (error) => {
        // When this side has left it, it closes with the peer's end, which may not have been told.
        if (error === undefined && this.#out !== this.#first) this.#firstEnded();
        else if (this.#in === this.#first) this.#close(error);
      },
    });
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    this.#out.write(bytes, written);
  }

  get busy(): boolean {
    return this.#out.busy;
  }

  pause(): void {
    this.#paused = true;
    this.#in.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#in.resume();
    if (this.#endUntold) this.#env.defer(() => this.#tellEnd());
  }

  end(): void {
    this.#ending = true;
    this.#out.end();
    if (this.#in !== this.#out) this.#second!.end();
  }

  destroy(): void {
    this.#first.destroy();
    this.#second?.destroy();
  }

  // ---- who has it cross ---------------------------------------------------------------------------------------------

  /** What is written from here on goes by the second way. Not after the end. */
  sendBy(second: ByteStream): void {
    this.#second = second;
    this.#out = second;
    this.#first.end();
  }

  /** From here on bytes come by the second way. */
  readFrom(second: ByteStream): void {
    this.#endUntold = false;
    if (this.#in === second) return this.#env.defer(() => this.#tellClose());
    const sink = this.#sink!;
    this.#second = second;
    this.#in = second;
    this.#first.resume(); // its end is waited for
    if (this.#paused) second.pause();
    second.open({
      bytes: (memory, from, to) => sink.bytes(memory, from, to),
      ended: () => sink.ended(),
      closed: (error) => this.#close(error),
    });
    if (this.#paused) second.pause();
    if (this.#ending && this.#out === this.#first) second.end();
  }

  #firstEnded(): void {
    if (this.#in !== this.#first) return;
    // If it could not follow any more, the second way tells what becomes of it.
    if (this.#second !== undefined) this.readFrom(this.#second);
    this.#endUntold = true;
    this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#paused || !this.#endUntold) return;
    this.#endUntold = false;
    this.#sink!.ended();
    this.#tellClose();
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    if (error === undefined && this.#endUntold) return void (this.#closeUntold = true);
    this.#closed = true;
    this.destroy();
    this.#sink!.closed(error);
  }

  #tellClose(): void {
    if (this.#closeUntold) this.#close(undefined);
  }
}
