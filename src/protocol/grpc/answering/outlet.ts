import type { Writable } from "node:stream";

import type { Env } from "../../../base/env.ts";

/** Bytes that wait to be sent on one stream, past which whoever makes more is held back. */
const outgoingBytesHigh: number = 64 * 1024;

/** Sends what is said in one turn as one piece: small messages cost little more than their bytes. */
export class Outlet {
  readonly #out: Writable;
  readonly #env: Env;
  #pending: Buffer[] = [];
  #bytes = 0;

  constructor(out: Writable, env: Env) {
    this.#out = out;
    this.#env = env;
  }

  get writable(): boolean {
    return this.#bytes < outgoingBytesHigh && !this.#out.writableNeedDrain;
  }

  whenDrained(listener: () => void): void {
    if (this.#out.writableNeedDrain) this.#out.once("drain", listener);
    else this.#env.defer(listener);
  }

  write(piece: Buffer): void {
    this.#keep(piece);
    if (this.#pending.length === 1) this.#env.defer(() => this.#flush());
    if (this.#bytes >= outgoingBytesHigh) this.#flush();
  }

  /** Sends what waits, then `last`, and that it was the last. */
  end(last?: Buffer): void {
    if (last !== undefined) this.#keep(last);
    const piece = this.#take();
    if (piece === undefined) this.#out.end();
    else this.#out.end(piece);
  }

  #keep(piece: Buffer): void {
    this.#pending.push(piece);
    this.#bytes += piece.length;
  }

  #flush(): void {
    const piece = this.#take();
    if (piece !== undefined && !this.#out.destroyed && !this.#out.writableEnded)
      this.#out.write(piece);
  }

  #take(): Buffer | undefined {
    const pending = this.#pending;
    if (pending.length === 0) return undefined;
    this.#pending = [];
    const bytes = this.#bytes;
    this.#bytes = 0;
    return pending.length === 1 ? pending[0] : Buffer.concat(pending, bytes);
  }
}
