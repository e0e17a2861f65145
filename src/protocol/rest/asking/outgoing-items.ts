import type { Sink } from "../../protocol.ts";

/** Bytes that wait to be written, from which on no further item is asked for. */
const waitingBytesHigh = 64 * 1024;

/** A larger write would fill the memory of a connection of HTTP/2 before anything says so. */
export const pieceBytes: number = 64 * 1024;

/** A large body in pieces, each written when there is room for it. */
export async function* inPieces(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += pieceBytes) yield body.subarray(at, at + pieceBytes);
}

type Result = IteratorResult<Buffer, undefined>;

const done: Result = Object.freeze({ done: true, value: undefined });

/** The items of an upload on their way into a request's body: put in as a sink, taken out as the connection has room. */
export class OutgoingItems implements Sink, AsyncIterableIterator<Buffer> {
  closed = false;
  readonly #encode: (item: unknown) => Buffer;
  readonly #progressed: () => void;
  #chunks: Buffer[];
  #bytes = 0;
  #ended = false;
  /** Why there are no more, when that is not their end. */
  #broken: Error | undefined;
  #reader: { resolve(result: Result): void; reject(error: Error): void } | undefined;
  #wake: (() => void) | undefined;

  /** `preamble` goes before all items. `progressed` hears of each item, and of their end. */
  constructor(
    preamble: Buffer | undefined,
    encode: (item: unknown) => Buffer,
    progressed: () => void,
  ) {
    this.#chunks = preamble === undefined ? [] : [preamble];
    this.#encode = encode;
    this.#progressed = progressed;
  }

  get ready(): boolean {
    return !this.closed && this.#bytes < waitingBytesHigh;
  }

  whenReady(): Promise<void> {
    if (this.closed || this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = (): void => {
        before?.();
        resolve();
      };
    });
  }

  put(item: unknown): void {
    if (this.closed) return;
    this.#push(this.#encode(item));
    this.#progressed();
  }

  /** There are no more; `last` goes behind them. */
  complete(last: Buffer | undefined): void {
    if (this.closed) return;
    if (last !== undefined) this.#push(last);
    this.#ended = true;
    this.#close();
    this.#reader?.resolve(done);
    this.#reader = undefined;
    this.#progressed();
  }

  /** Nobody takes them any more. */
  break(): void {
    this.#chunks = [];
    this.#broken ??= new Error("the upload is over");
    this.#close();
    this.#reader?.reject(this.#broken);
    this.#reader = undefined;
  }

  // ---- the connection's side ----------------------------------------------------------------------------------------

  next(): Promise<Result> {
    const value = this.#piece();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#ended) return Promise.resolve(done);
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  return(): Promise<Result> {
    this.break();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve({ done: false, value: this.#piece()! });
  }

  #piece(): Buffer | undefined {
    const [chunk] = this.#chunks;
    if (chunk === undefined) return undefined;
    const piece = chunk.subarray(0, pieceBytes);
    if (piece.length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(pieceBytes);
    this.#bytes -= piece.length;
    this.#awake();
    return piece;
  }

  #close(): void {
    this.closed = true;
    this.#awake();
  }

  #awake(): void {
    if (!this.closed && !this.ready) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
