import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { RestResponder } from "./serving/responder.ts";

/** Waits for what is under way, and gives it up when the time is over. */
export class Draining {
  readonly #responder: RestResponder;
  readonly #env: Env;
  readonly #idle: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #cut = 0;

  constructor(responder: RestResponder, env: Env) {
    this.#responder = responder;
    this.#env = env;
  }

  /** Called again it only changes the time that is left. Resolves with how many requests were given up. */
  async run(withinMs: number): Promise<number> {
    const responder = this.#responder;
    const look = (): void => {
      if (responder.inFlight === 0) this.#idle.resolve();
    };
    responder.whenEnded = look;
    look();
    const budget = alarmAt(this.#env, this.#env.now() + withinMs, () => this.#cutAll());
    await this.#idle.promise;
    this.#env.clear(budget);
    return this.#cut;
  }

  /** A handler that does not heed its signal must not keep us. */
  #cutAll(): void {
    this.#cut = this.#responder.inFlight;
    this.#responder.cut();
    this.#idle.resolve();
  }
}
