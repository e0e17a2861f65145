import type { Env } from "../../../base/env.ts";
import { Alarm } from "../../../base/timer-wheel.ts";

/** After a batch it is looked so much later whether there is something to tidy up; between two pieces of it, the shorter time. */
const firstMs = 250;
const againMs = 10;

/** Sees to it that the thread tidies up, in pieces, in moments when nothing else is to be done. */
export class UpkeepAlarm extends Alarm {
  readonly #env: Env;
  readonly #work: (quiet: boolean) => Promise<boolean>;
  #set = false;
  #quiet = false;
  #stopped = false;

  /** `work`: does a piece, and tells whether there is more. `quiet`: nothing was written since the last one. */
  constructor(env: Env, work: (quiet: boolean) => Promise<boolean>) {
    super();
    this.#env = env;
    this.#work = work;
  }

  /** Something was written. */
  wrote(): void {
    this.#quiet = false;
    this.#arm(firstMs);
  }

  override ring(): void {
    const quiet = this.#quiet;
    this.#quiet = true;
    void this.#work(quiet).then(
      (more) => {
        this.#set = false;
        if (more) this.#arm(quiet ? againMs : firstMs);
      },
      () => this.stop(),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#env.clear(this);
  }

  #arm(ms: number): void {
    if (this.#set || this.#stopped) return;
    this.#set = true;
    this.#env.set(this, this.#env.now() + ms);
  }
}
