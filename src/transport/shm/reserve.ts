import type { Addon } from "../../os/addon.ts";

/**
 * Descriptors that come by sockets need numbers in this process, and one that may have no more of them would lose what comes, and
 * the connection with it. So one number is kept back for all connections: with it they receive one after the other, where they would
 * receive several at once otherwise.
 */
export class Reserve {
  readonly #os: Addon;
  /** What keeps the number; -1: nothing, for it is in use, or there was none. */
  #fd = -1;
  #users = 0;
  /** Received, and not closed yet. */
  #out = 0;
  readonly #waiting: Set<() => void> = new Set();

  constructor(os: Addon) {
    this.#os = os;
  }

  begin(): void {
    this.#users++;
    this.#keep();
  }

  end(): void {
    if (--this.#users === 0) this.#spend();
  }

  /** False: nobody should receive anything now, and `again` is called when one that was received has been closed. */
  ready(again: () => void): boolean {
    if (this.#keep() || this.#out === 0) return true;
    this.#waiting.add(again);
    return false;
  }

  /** Lets `receive` have the number. It returns how many descriptors came, which `close` closes. */
  lend(receive: () => number): void {
    this.#spend();
    this.#out += receive();
    this.#keep();
  }

  close(fd: number): void {
    this.#os.descriptorClose(fd);
    this.#out--;
    if (!this.#keep() && this.#out > 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const again of waiting) again();
  }

  #keep(): boolean {
    if (this.#fd < 0 && this.#users > 0) {
      try {
        this.#fd = this.#os.bellCreate();
      } catch {
        return false; // there is none
      }
    }
    return true;
  }

  #spend(): void {
    if (this.#fd >= 0) this.#os.descriptorClose(this.#fd);
    this.#fd = -1;
  }
}

const reserves = new WeakMap<Addon, Reserve>();

/** That of this thread. */
export function reserveOf(os: Addon): Reserve {
  let reserve = reserves.get(os);
  if (reserve === undefined) reserves.set(os, (reserve = new Reserve(os)));
  return reserve;
}
