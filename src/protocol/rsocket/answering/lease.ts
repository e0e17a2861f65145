import type { Env } from "../../../base/env.ts";
import { systemError, type SystemError } from "../../../base/error.ts";
import { Alarm } from "../../../base/timer-wheel.ts";

/** How long a lease lasts, in milliseconds. */
const ttlMs = 30_000;

/** Requests sent in time may come a little later. */
const graceMs = 1_000;

/** Requests of one lease, at most: what a peer holds nobody else is promised. */
const requestsMax = 1_000;

/** While there is no room it is looked for again so often, in milliseconds. */
const againMs = 100;

/**
 * How many requests a peer may send that has asked to be told so (RSocket 1.0, "Lease Semantics"): as many as the server has room
 * for, renewed when half of them are used, or three quarters of the time are over. What is used of one lease while the next is on
 * its way counts for neither. A request without a lease is refused before it is looked at.
 */
export class Lease extends Alarm {
  readonly #grant: (ttlMs: number, requests: number) => void;
  readonly #room: () => number;
  readonly #env: Env;
  #left = 0;
  #granted = 0;
  #endsAt = -Infinity;

  /** `grant` sends a LEASE; `room` says how many requests could be begun now. */
  constructor(grant: (ttlMs: number, requests: number) => void, room: () => number, env: Env) {
    super();
    this.#grant = grant;
    this.#room = room;
    this.#env = env;
  }

  /** Gives the first lease, or the next one. */
  renew(): void {
    const now = this.#env.now();
    const requests = Math.min(requestsMax, Math.floor(this.#room()));
    if (requests < 1) {
      this.#env.set(this, now + againMs);
      return;
    }
    const left = now < this.#endsAt ? this.#left : 0;
    this.#left = Math.min(left, requestsMax) + requests;
    this.#granted = requests;
    this.#endsAt = now + ttlMs + graceMs;
    this.#env.set(this, now + ttlMs * 0.75);
    this.#grant(ttlMs, requests);
  }

  ring(): void {
    this.renew();
  }

  /** Takes one request off; what its sender is told when there was none to take. */
  spend(): SystemError | undefined {
    if (this.#left === 0 || this.#env.now() >= this.#endsAt) {
      return systemError("RESOURCE_EXHAUSTED", "the request came without a lease", {
        executed: "no",
        gate: "lease",
        advice: "wait for a LEASE, and send no more requests than it allows",
      });
    }
    this.#left--;
    if (this.#left * 2 < this.#granted) {
      this.#granted = 0; // asked for once
      this.renew();
    }
    return undefined;
  }

  stop(): void {
    this.#env.clear(this);
  }
}
