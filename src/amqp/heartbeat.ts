import type { Env } from "../base/env.ts";
import { Alarm } from "../base/timer-wheel.ts";

/** What a heartbeat looks at. */
export interface Beating {
  /** Something was sent since it was last asked; asking makes it false. */
  sent(): boolean;
  beat(): void;
  /** What the peer says is read: otherwise nobody knows whether it is silent. */
  readonly listening: boolean;
  /** Nothing was heard for too long. */
  silent(): void;
}

/** Sends a heartbeat when nothing else was sent for half the time agreed on, and notices when nothing was heard for twice that time. */
export class Heartbeat extends Alarm {
  readonly #env: Env;
  readonly #of: Beating;
  readonly #halfMs: number;
  #heardAt: number;

  constructor(env: Env, seconds: number, of: Beating) {
    super();
    this.#env = env;
    this.#of = of;
    this.#halfMs = seconds * 500;
    this.#heardAt = env.now();
    if (seconds > 0) env.set(this, this.#heardAt + this.#halfMs);
  }

  /** The peer has said something, or could not be heard for a while. */
  heard(): void {
    this.#heardAt = this.#env.now();
  }

  ring(): void {
    const now = this.#env.now();
    if (!this.#of.listening) this.#heardAt = now;
    if (now - this.#heardAt >= this.#halfMs * 4) return this.#of.silent();
    if (!this.#of.sent()) this.#of.beat();
    this.#env.set(this, now + this.#halfMs);
  }

  stop(): void {
    this.#env.clear(this);
  }
}
