import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { Transaction } from "../../store/transaction.ts";
import { unwanted } from "../expiry.ts";
import { answered } from "./endings.ts";
import type { TransactionalKeyStore } from "./key-store.ts";
import type { Running } from "./running.ts";
import { atWorkElsewhere, unasked, type Known, type Work } from "./work.ts";

/** What one transaction came to. */
export type End =
  | { readonly kind: "done"; readonly output: unknown }
  /** The key is not new. */
  | { readonly kind: "known"; readonly known: Known }
  /** The handler did not begin. */
  | { readonly kind: "unbegun"; readonly error: TrunklineError }
  /** It was rolled back for what has escaped from the handler, or because what it wrote cannot be committed. */
  | { readonly kind: "failed"; readonly exception: unknown }
  /** The database has rolled it back, or was lost; `committed`: while it was being committed. */
  | { readonly kind: "undone"; readonly committed: "no" | "maybe"; readonly cause: unknown };

/** What a transaction is about. */
export interface KeyedRequest {
  readonly key: string;
  readonly running: Running;
  readonly incoming: Incoming;
  readonly work: Work;
}

/** One transaction in which a key is claimed, its work is done, and its answer is kept. */
export class KeyedTransaction {
  readonly #request: KeyedRequest;
  readonly #keys: TransactionalKeyStore;
  readonly #operation: Operation;
  readonly #env: Env;
  #stage: "opening" | "claiming" | "working" = "opening";
  #known: Known | undefined;
  /** Why the handler is not begun, though the key is new. */
  #refusal: TrunklineError | undefined;
  /** What has escaped from the handler. */
  #escaped: { readonly exception: unknown } | undefined;

  constructor(request: KeyedRequest, keys: TransactionalKeyStore, operation: Operation, env: Env) {
    this.#request = request;
    this.#keys = keys;
    this.#operation = operation;
    this.#env = env;
  }

  /** Never rejects. `refusal`: why the handler is not to begin, even if the key is new. */
  async run(refusal?: TrunklineError): Promise<End> {
    try {
      const output = await this.#keys.store.transaction((transaction) =>
        this.#within(transaction, refusal),
      );
      return this.#known === undefined
        ? { kind: "done", output }
        : { kind: "known", known: this.#known };
    } catch (failure) {
      return this.#endOf(failure);
    }
  }

  async #within(transaction: Transaction, refusal: TrunklineError | undefined): Promise<unknown> {
    const { key, running, incoming, work } = this.#request;
    this.#stage = "claiming";
    const claim = await this.#keys.claimIn(transaction, key, running.input);
    if (claim.state !== "new") return void (this.#known = claim);
    this.#refusal = refusal ?? unwanted(incoming, this.#env.now());
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#stage = "working";
    running.work = incoming.apart();
    running.work.within = { store: this.#keys.store, transaction };
    let output: unknown;
    try {
      output = await work.run(running.work);
    } catch (exception) {
      this.#escaped = { exception };
      throw exception;
    }
    await this.#keys.keepIn(transaction, key, answered(output, this.#operation));
    return output;
  }

  #endOf(failure: unknown): End {
    if (this.#known !== undefined) return { kind: "known", known: this.#known };
    const undone = isTrunklineError(failure) && failure.code === "UNAVAILABLE";
    if (this.#stage === "working") {
      if (this.#escaped?.exception === failure || !undone)
        return { kind: "failed", exception: failure };
      return {
        kind: "undone",
        committed: failure.executed === "no" ? "no" : "maybe",
        cause: failure,
      };
    }
    if (this.#refusal !== undefined) return { kind: "unbegun", error: this.#refusal };
    // Somebody may have the key.
    if (this.#stage === "claiming" && undone)
      return { kind: "unbegun", error: atWorkElsewhere(failure) };
    return { kind: "unbegun", error: unasked(failure, this.#operation, this.#env) };
  }
}
