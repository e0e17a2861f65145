import type { ByteSink, ByteStream } from "./byte-stream.ts";

interface Write {
  readonly bytes: Uint8Array;
  readonly written: (error?: Error | null) => void;
}

/**
 * A stream of bytes below which the way is changed while it is used: what was written before goes by the old one, what comes
 * after by the new one, and the reader changes over where the writer has. When and where is the user's to know; there is no byte of its own.
 */
export class MovingStream implements ByteStream, ByteSink {
  /** Where bytes come from, and where they go. */
  #in: ByteStream;
  #out: ByteStream;
  readonly #first: ByteStream;
  #sink: ByteSink | undefined;
  /** What is written while neither way is open. Bounded by who writes, as for any stream that is busy. */
  #held: Write[] | undefined;
  #ending = false;
  #paused = false;
  #closed = false;

  readonly #onEnded: () => void;

  /** `onEnded`: the peer sends nothing more; called before the user is told. */
  constructor(first: ByteStream, onEnded: () => void) {
    this.#onEnded = onEnded;
    this.#first = first;
    this.#in = first;
    this.#out = first;
  }

  // ---- the user above -----------------------------------------------------------------------------------------------

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#in.open(this);
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    if (this.#held === undefined) this.#out.write(bytes, written);
    else this.#held.push({ bytes, written });
  }

  get busy(): boolean {
    return this.#held !== undefined || this.#out.busy;
  }

  pause(): void {
    this.#paused = true;
    this.#in.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#in.resume();
  }

  end(): void {
    this.#ending = true;
    if (this.#held === undefined) this.#out.end();
  }

  destroy(): void {
    this.#in.destroy();
    if (this.#in !== this.#first) this.#first.destroy();
  }

  // ---- who moves it -------------------------------------------------------------------------------------------------

  /** From here on nothing goes out, until it is known which way. */
  hold(): void {
    this.#held ??= [];
  }

  /**
   * What was held goes out this way, and all that follows. Without one it goes on as before. Whoever gathers while it is busy is to
   * be told that it is not any more.
   */
  go(way: ByteStream = this.#out): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#out = way;
    for (const { bytes, written } of held) way.write(bytes, written);
    if (this.#ending) way.end();
  }

  /** From here on bytes come this way. */
  readFrom(way: ByteStream): void {
    this.#in = way;
    if (this.#paused) way.pause();
    way.open(this);
    if (this.#paused) way.pause();
  }

  // ---- the streams below --------------------------------------------------------------------------------------------

  bytes(memory: Buffer, from: number, to: number): void {
    this.#sink!.bytes(memory, from, to);
  }

  ended(): void {
    this.#onEnded();
    this.#sink!.ended();
  }

  closed(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = undefined;
    this.#sink!.closed(error);
  }
}
