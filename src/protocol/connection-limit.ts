import type { Env } from "../base/env.ts";
import { systemError, type SystemError } from "../base/error.ts";

/** Open connections of a server that are served, when nobody says otherwise. */
const connectionsMaxDefault = 10_000;

/** Refusing ends when there is room for one in twenty again: at the bound itself each that goes would let one in. */
const roomAgain = 0.95;

/** When it is worth dialling again: between this and three times as much, in milliseconds. */
const dialAgainMs = 1_000;

/**
 * How many connections a server serves. Up to twice as many are accepted, to tell those beyond the bound that they are one too
 * many: who is only cut off dials again at once. Past that transports close new ones as they come.
 */
export class ConnectionLimit {
  /** For the transport. */
  readonly acceptedMax: number;
  readonly #servedMax: number;
  /** So many may be served when refusing ends. */
  readonly #roomAgain: number;
  readonly #env: Env;
  #served = 0;
  #full = false;

  constructor(connectionsMax: number | undefined, env: Env) {
    this.#servedMax = connectionsMax ?? connectionsMaxDefault;
    this.acceptedMax = this.#servedMax * 2;
    this.#roomAgain = Math.min(this.#servedMax - 1, Math.floor(this.#servedMax * roomAgain));
    this.#env = env;
  }

  /** Undefined: it is served from now on, until `left`. Else what it is to be told. */
  enter(): SystemError | undefined {
    this.#full = this.#served > (this.#full ? this.#roomAgain : this.#servedMax - 1);
    if (this.#full) return this.#refusal();
    this.#served++;
    return undefined;
  }

  /** One that was served has closed. */
  left(): void {
    this.#served--;
  }

  #refusal(): SystemError {
    const reason = `the server has ${this.#served} connections, ${this.#servedMax} are allowed`;
    return systemError("RESOURCE_EXHAUSTED", reason, {
      executed: "no",
      gate: "connections",
      retryAfterMs: Math.round(dialAgainMs * (1 + 2 * this.#env.random())),
      advice: "share one connection among the clients of a process, or raise connectionsMax",
    });
  }
}
