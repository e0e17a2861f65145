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

/** How often it is looked in the time agreed on: so something is always sent in two thirds of it. Some clients wait no longer than all of it. */
const looks = 3;

/** Sends a heartbeat when nothing else was sent for a while, and notices when nothing was heard for twice the time agreed on. */
export class Heartbeat extends Alarm {
  readonly #env: Env;
  readonly #of: Beating;
  readonly #lookMs: number;
  #heardAt: number;

  constructor(env: Env, seconds: number, of: Beating) {
    super();
    this.#env = env;
    this.#of = of;
    this.#lookMs = (seconds * 1_000) / looks;
    this.#heardAt = env.now();
    if (seconds > 0) env.set(this, this.#heardAt + this.#lookMs);
  }

  /** The peer has said something, or could not be heard for a while. */
  heard(): void {
    this.#heardAt = this.#env.now();
  }

  ring(): void {
    const now = this.#env.now();
    if (!this.#of.listening) this.#heardAt = now;
    if (now - this.#heardAt >= this.#lookMs * looks * 2) return this.#of.silent();
    if (!this.#of.sent()) this.#of.beat();
    this.#env.set(this, now + this.#lookMs);
  }

  stop(): void {
    this.#env.clear(this);
  }
}
