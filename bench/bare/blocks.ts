import { blockAt, blockBytes, isBlockAt } from "../items.ts";
import { wrong } from "../peer.ts";
import type { Wire } from "./wire.ts";

/** What the reader says to the server. */
const word = { start: 1, stop: 0 } as const;

/** Filled with this, a block is the last one. */
const lastByte = 0xff;
const last = Buffer.alloc(blockBytes, lastByte);

/** The server's side: blocks as fast as they go, from `start` to `stop`. They have one size, so they need no length. */
export function sendBlocks(wire: Wire): void {
  let sending = false;
  let index = 0;
  const more = (): void => {
    while (sending && wire.write(blockAt(index++)));
  };
  wire.drained(more);
  wire.read((chunk) => {
    for (const each of chunk) {
      if (each === word.start) {
        index = 0;
        sending = true;
        more();
      } else if (sending) {
        sending = false;
        wire.write(last);
      }
    }
  });
}

/** The reader's side: each block is put together in memory of its own, as its reader would want. */
export class Blocks {
  readonly #wire: Wire;
  #block = Buffer.allocUnsafeSlow(blockBytes);
  #filled = 0;
  #index = 0;
  #stopped = false;
  #over: () => boolean = () => true;
  #done: PromiseWithResolvers<number> = Promise.withResolvers();

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.read((chunk) => this.#take(chunk));
  }

  /** Reads until `over` says so, and what is still under way then; resolves with how many came. */
  read(over: () => boolean): Promise<number> {
    this.#index = 0;
    this.#stopped = false;
    this.#over = over;
    this.#done = Promise.withResolvers();
    this.#wire.write(Buffer.of(word.start));
    return this.#done.promise;
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.copy(this.#block, this.#filled, at);
      at += bytes;
      this.#filled += bytes;
      if (this.#filled < blockBytes) continue;
      this.#filled = 0;
      this.#taken(this.#block);
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
    }
  }

  #taken(block: Buffer): void {
    if (this.#stopped && block[0] === lastByte) return this.#done.resolve(this.#index);
    if (!isBlockAt(this.#index, block)) this.#done.reject(wrong(this.#index));
    this.#index++;
    if (this.#stopped || !this.#over()) return;
    this.#stopped = true;
    this.#wire.write(Buffer.of(word.stop));
  }
}
