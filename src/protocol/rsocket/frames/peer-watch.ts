/**
 * Tells a dead peer from a quiet one. It is looked at once in every interval; whatever came meanwhile is a sign of life.
 * A state machine without clock or timer: the session gives it the time.
 */
export class PeerWatch {
  /** Set by whoever hears from the peer: a store for each frame, no look at the clock. */
  heard = false;
  #heardAt: number;
  #dueAt = 0;
  #intervalMs: number;
  #lifetimeMs: number;

  constructor(intervalMs: number, lifetimeMs: number, now: number) {
    this.#intervalMs = intervalMs;
    this.#lifetimeMs = lifetimeMs;
    this.#heardAt = now;
  }

  /** Other times, as the client's SETUP says them. */
  retime(intervalMs: number, lifetimeMs: number): void {
    this.#intervalMs = intervalMs;
    this.#lifetimeMs = lifetimeMs;
  }

  /** When it is to be looked at next. */
  next(now: number): number {
    this.#dueAt = now + this.#intervalMs;
    return this.#dueAt;
  }

  /** How long the peer has been silent, in milliseconds, when that is too long; undefined while it lives. */
  silence(now: number): number | undefined {
    // Late by a whole interval: it was this process that stood still, and the peer's signs of life are not read yet.
    const stalled = now - this.#dueAt > this.#intervalMs;
    if (this.heard || stalled) {
      this.heard = false;
      this.#heardAt = now;
      return undefined;
    }
    const silentMs = now - this.#heardAt;
    return silentMs >= this.#lifetimeMs ? silentMs : undefined;
  }
}
