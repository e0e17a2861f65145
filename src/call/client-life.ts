import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Cancellable } from "../protocol/attempt.ts";

/** A call as the life of its client holds it: a link in a list, so that a call allocates nothing for it. */
export interface LiveCall {
  readonly attempt: Cancellable;
  life: ClientLife | undefined;
  before: LiveCall | undefined;
  after: LiveCall | undefined;
}

/** The calls of one client under way, and whether it takes more: others may go on to use the same connection. */
export class ClientLife {
  closed = false;
  #first: LiveCall | undefined;
  #emptied: (() => void) | undefined;

  /** Throws when the client is closed. */
  begin(call: LiveCall): void {
    if (this.closed) {
      throw systemError("CANCELLED", "the client is closed", {
        executed: "no",
        advice: "make a new client",
      });
    }
    const first = this.#first;
    call.life = this;
    call.after = first;
    if (first !== undefined) first.before = call;
    this.#first = call;
  }

  end(call: LiveCall): void {
    const { before, after } = call;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    call.life = call.before = call.after = undefined;
    if (this.#first === undefined) this.#emptied?.();
  }

  /** No new calls. Those under way may end within the time; then they are cancelled. */
  async close(withinMs: number, env: Env): Promise<void> {
    this.closed = true;
    if (withinMs > 0 && this.#first !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptied = resolve;
      const alarm = alarmAt(env, env.now() + withinMs, resolve);
      await promise;
      env.clear(alarm);
    }
    for (let call = this.#first; call !== undefined;) {
      const { after } = call;
      call.attempt.cancel("shutdown");
      call = after;
    }
  }
}
