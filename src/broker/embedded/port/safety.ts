import { isTrunklineError, systemError } from "../../../base/error.ts";
import type { Storage } from "../storage.ts";

/** Waits until what was noted is as safe as it asked to be. All who wait for one batch share a promise. */
export class Safety {
  readonly #storage: Storage;
  readonly #endpoint: string;
  #batch = -1;
  #promise: Promise<void> = Promise.resolve();

  constructor(storage: Storage, endpoint: string) {
    this.#storage = storage;
    this.#endpoint = endpoint;
  }

  /** To be asked in the turn in which something was noted. @throws TrunklineError UNAVAILABLE, `executed: "maybe"`. */
  noted(): Promise<void> {
    const { batch } = this.#storage;
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#promise = this.#until(batch);
      // Whoever has noted something else after it waits for that instead.
      this.#promise.catch(() => undefined);
    }
    return this.#promise;
  }

  async #until(batch: number): Promise<void> {
    try {
      await this.#storage.until(batch);
    } catch (cause) {
      throw systemError(
        "UNAVAILABLE",
        `the broker could not write: ${isTrunklineError(cause) ? cause.reason : String(cause)}`,
        {
          executed: "maybe",
          endpoint: this.#endpoint,
          advice: "what was written is there when the broker is opened anew",
          cause,
        },
      );
    }
  }
}
