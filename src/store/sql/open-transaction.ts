import { systemError } from "../../base/error.ts";
import type { Transaction } from "../transaction.ts";

/** One that the store has begun, and commits. */
export class OpenTransaction<Native> implements Transaction<Native> {
  readonly native: Native;
  readonly managed = true;
  readonly #before: (() => Promise<void>)[] = [];
  readonly #after: (() => void)[] = [];
  #closing = false;
  #over = false;

  constructor(native: Native) {
    this.native = native;
  }

  beforeCommit(act: () => Promise<void>): void {
    this.check();
    this.#before.push(act);
  }

  afterCommit(act: () => void): void {
    this.check();
    this.#after.push(act);
  }

  /** What is registered while this runs is run too. */
  async aboutToCommit(): Promise<void> {
    this.#closing = true;
    for (let act = this.#before.shift(); act !== undefined; act = this.#before.shift()) await act();
  }

  /** What runs at this moment is the last before it is committed. */
  get closing(): boolean {
    return this.#closing && this.#before.length === 0;
  }

  /** It is committed, or rolled back: from now on it is another one's, whatever the client calls it. */
  end(): void {
    this.#over = true;
  }

  /** @throws TrunklineError INVALID_ARGUMENT when it is over. */
  check(): void {
    if (!this.#over) return;
    throw systemError("INVALID_ARGUMENT", "this transaction is over", {
      executed: "no",
      advice: "await what is done in it before its work ends",
    });
  }

  committed(): void {
    for (const act of this.#after.splice(0)) {
      try {
        act();
      } catch {
        // It is committed, whatever those who hear of it make of that.
      }
    }
  }
}

/** One that the user's client has begun, and commits. */
export class AdoptedTransaction<Native> implements Transaction<Native> {
  readonly native: Native;
  readonly managed = false;

  constructor(native: Native) {
    this.native = native;
  }

  beforeCommit(): void {
    throw unseen();
  }

  afterCommit(): void {
    throw unseen();
  }
}

function unseen(): Error {
  return systemError("INTERNAL", "nobody sees when this transaction is committed", {
    executed: "no",
  });
}
