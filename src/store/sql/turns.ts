import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";

/** Gives turns, one at a time and in the order in which they were asked for. */
export class Turns {
  readonly #env: Env;
  readonly #waitMs: number;
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /** Nobody waits for his turn longer than `waitMs`. */
  constructor(env: Env, waitMs: number) {
    this.#env = env;
    this.#waitMs = waitMs;
  }

  /** Resolves with what ends the turn. */
  async take(): Promise<() => void> {
    if (this.#taken) await this.#turn();
    this.#taken = true;
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken = false;
      else next();
    };
  }

  #turn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const alarm = alarmAt(this.#env, this.#env.now() + this.#waitMs, () => {
      this.#waiting.splice(this.#waiting.indexOf(come), 1);
      reject(tooLong(this.#waitMs));
    });
    const come = (): void => {
      this.#env.clear(alarm);
      resolve();
    };
    this.#waiting.push(come);
    return promise;
  }
}

function tooLong(waitMs: number): Error {
  return systemError("UNAVAILABLE", `another transaction has been open for ${waitMs} ms`, {
    executed: "no",
    gate: "conflict",
    advice: "begin no transaction within another: SQLite has one at a time that writes",
  });
}
