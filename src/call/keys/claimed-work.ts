import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { unwanted } from "../expiry.ts";
import { answered, endingOf } from "./endings.ts";
import type { Claim, Ending, KeyStore } from "./key-store.ts";
import type { Running } from "./running.ts";
import { knownAlready, Looks, unasked, type Doing, type Work } from "./work.ts";

/**
 * Claims a key, does its work, and keeps how it has ended: three steps of the store. Who dies between them leaves a key of which
 * nobody knows how far its work came.
 */
export class ClaimedWork implements Doing {
  readonly transactional = undefined;
  readonly #store: KeyStore;
  readonly #operation: Operation;
  readonly #env: Env;

  constructor(store: KeyStore, operation: Operation, env: Env) {
    this.#store = store;
    this.#operation = operation;
    this.#env = env;
  }

  async run(key: string, running: Running, incoming: Incoming, work: Work): Promise<unknown> {
    const claim = await this.#claimed(key, running, incoming);
    if (claim.state !== "new") return knownAlready(claim, running.input, this.#operation);
    const gone = unwanted(incoming, this.#env.now());
    if (gone !== undefined) {
      await this.#settle(key, undefined);
      throw gone;
    }
    running.work = incoming.apart();
    let output: unknown;
    try {
      output = await work.run(running.work);
    } catch (exception) {
      const error = await work.told(exception);
      await this.#settle(key, endingOf(error));
      throw error;
    }
    await this.#settle(key, this.#answered(output));
    return output;
  }

  async #claimed(key: string, running: Running, incoming: Incoming): Promise<Claim> {
    const looks = new Looks(running, incoming, this.#env);
    for (;;) {
      const claim = await this.#claim(key, running.input);
      if (claim.state !== "running" || claim.input !== running.input) return claim;
      if (!(await looks.again())) return claim;
    }
  }

  async #claim(key: string, input: string): Promise<Claim> {
    try {
      return await this.#store.claim(key, input);
    } catch (cause) {
      throw unasked(cause, this.#operation, this.#env);
    }
  }

  #answered(output: unknown): Ending {
    try {
      return answered(output, this.#operation);
    } catch {
      return { kind: "unknown" };
    }
  }

  /** A store that fails now changes nothing of what was done: the key stays in use, and answers `maybe`. */
  async #settle(key: string, ending: Ending | undefined): Promise<void> {
    try {
      await (ending === undefined ? this.#store.forget(key) : this.#store.keep(key, ending));
    } catch (error) {
      reportIncident({ id: uuidv7(this.#env), operation: this.#operation.name, error });
    }
  }
}
