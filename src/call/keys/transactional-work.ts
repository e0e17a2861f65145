import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError, TrunklineError, type SystemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { endingOf } from "./endings.ts";
import type { Claim, Ending, TransactionalKeyStore } from "./key-store.ts";
import { KeyedTransaction, type KeyedRequest } from "./keyed-transaction.ts";
import type { Running } from "./running.ts";
import { knownAlready, Looks, type Doing, type Work } from "./work.ts";

/** A handler whose transaction the database has rolled back runs again; so often in all. */
const runsMax = 3;
/** … after up to so many milliseconds, twice as many the second time: two that were in each other's way should not meet again. */
const pauseMs = 40;

/**
 * Does the work of a key in a transaction of the database that the handler writes to: the key and the effects are committed
 * together, or not at all. Who dies on the way leaves nothing, and whoever comes next does the work.
 */
export class TransactionalWork implements Doing {
  readonly transactional: string;
  readonly #keys: TransactionalKeyStore;
  readonly #operation: Operation;
  readonly #env: Env;

  constructor(keys: TransactionalKeyStore, operation: Operation, env: Env) {
    this.transactional = keys.store.address;
    this.#keys = keys;
    this.#operation = operation;
    this.#env = env;
  }

  async run(key: string, running: Running, incoming: Incoming, work: Work): Promise<unknown> {
    const request = { key, running, incoming, work };
    const looks = new Looks(running, incoming, this.#env);
    let runs = 0;
    try {
      for (let refusal: TrunklineError | undefined; ;) {
        const end = await this.#transaction(request).run(refusal);
        switch (end.kind) {
          case "done":
            return end.output;
          case "known":
            if (end.known.state === "busy" && (await looks.again())) continue;
            return knownAlready(end.known, running.input, this.#operation);
          case "unbegun":
            throw end.error;
          case "failed":
            return await this.#failed(request, end.exception, looks);
          case "undone":
            runs++;
        }
        const error = undone(end.cause);
        if (runs === runsMax) refusal = error;
        // Whether it was committed its key will say: that is looked at whatever happens.
        if (end.committed === "no" && refusal !== undefined) throw error;
        if (!(await running.pause(this.#env.random() * pauseMs * runs))) throw error;
      }
    } catch (error) {
      throw runs === 0 ? error : notUnbegun(error as TrunklineError);
    }
  }

  #transaction(request: KeyedRequest): KeyedTransaction {
    return new KeyedTransaction(request, this.#keys, this.#operation, this.#env);
  }

  /** The handler's own failure is kept as well, in a transaction that has nothing else of it. */
  async #failed(
    { key, running, work }: KeyedRequest,
    exception: unknown,
    looks: Looks,
  ): Promise<unknown> {
    const error = await work.told(exception);
    const ending = endingOf(error);
    // What was given up has left nothing: it may begin again.
    if (ending === undefined || ending.kind === "unknown") throw error;
    for (;;) {
      const claim = await this.#keep(key, running.input, ending);
      if (claim === undefined || claim.state === "new") throw error;
      // Somebody else came meanwhile, and runs it: what comes of that is what comes of the key.
      if (claim.state === "busy" && (await looks.again())) continue;
      return knownAlready(claim, running.input, this.#operation);
    }
  }

  async #keep(key: string, input: string, ending: Ending): Promise<Claim | undefined> {
    try {
      return await this.#keys.store.transaction(async (transaction) => {
        const claim = await this.#keys.claimIn(transaction, key, input);
        if (claim.state === "new") await this.#keys.keepIn(transaction, key, ending);
        return claim;
      });
    } catch (error) {
      reportIncident({ id: uuidv7(this.#env), operation: this.#operation.name, error });
      return undefined; // nothing is known of the key, and nothing was done under it
    }
  }
}

function undone(cause: unknown): SystemError {
  const reason = "the transaction of the handler was rolled back by the database, or lost with it";
  return systemError("UNAVAILABLE", reason, {
    executed: "maybe",
    advice: "ask again with the same key",
    cause,
  });
}

/** The handler has run before, though nothing may be left of it. */
function notUnbegun(error: TrunklineError): TrunklineError {
  if (error.executed !== "no") return error;
  const { code, reason, declared, data, advice, cause } = error;
  return new TrunklineError(code, reason, { executed: "maybe", declared, data, advice, cause });
}
