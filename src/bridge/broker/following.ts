import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { detached } from "../../call/served-context.ts";
import { againWaits } from "./bounds.ts";
import { readSheet, type Said } from "./sheet.ts";

/** What is read, and who hears it. */
export interface Followed {
  /** Begins the stream, each time anew; aborted when nobody wants it any more. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  heard(said: Said): void;
  /** It broke, or was ended; it is begun again unless it was closed. */
  over(): void;
}

/** Reads a stream through all lives of its connection. */
export class Following {
  readonly #followed: Followed;
  readonly #env: Env;
  readonly #abort = new AbortController();
  #closed = false;
  /** The other side has said something on the connection that there is. */
  #spoken = false;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(followed: Followed, env: Env) {
    this.#followed = followed;
    this.#env = env;
  }

  /** Resolves when the other side has said something; rejects when the first try fails, and is then over. */
  begin(): Promise<void> {
    const begun = Promise.withResolvers<void>();
    // On nobody's behalf: it outlives who asked for it.
    this.#running = detached(() => this.#run(begun));
    return begun.promise;
  }

  /** Resolves when the stream has ended; after `withinMs` it is cut off, and at once where nobody has answered yet. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    if (!this.#spoken) this.#abort.abort();
    const alarm = alarmAt(this.#env, this.#env.now() + withinMs, () => this.#abort.abort());
    await this.#running;
    this.#env.clear(alarm);
  }

  async #run(begun: PromiseWithResolvers<void>): Promise<void> {
    let failures = 0;
    let first = true;
    while (!this.#closed) {
      try {
        for await (const sheet of this.#followed.open(this.#abort.signal)) {
          if (first) begun.resolve();
          first = false;
          this.#spoken = true;
          failures = 0;
          for (const said of readSheet(sheet)) this.#followed.heard(said);
        }
      } catch (error) {
        if (first) {
          this.#closed = true;
          begun.reject(error);
        }
      }
      this.#spoken = false;
      this.#followed.over();
      if (!this.#closed) await this.#pause(failures++);
    }
    begun.resolve();
  }

  #pause(failures: number): Promise<void> {
    const waitMs = backoff(failures, againWaits, () => this.#env.random());
    return new Promise((resolve) => {
      const go = (): void => {
        this.#env.clear(alarm);
        this.#wake = undefined;
        resolve();
      };
      const alarm = alarmAt(this.#env, this.#env.now() + waitMs, go);
      this.#wake = go;
    });
  }
}
