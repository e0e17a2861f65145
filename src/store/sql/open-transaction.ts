import { systemError } from "../../base/error.ts";
import type { Transaction } from "../transaction.ts";

/** One that the store has begun, and commits. */
export class OpenTransaction<Native> implements Transaction<Native> {
  readonly native: Native;
  readonly managed = true;
  readonly #before: (() => Promise<void>)[] = [];
  readonly #after: (() => void)[] = [];
  #closing = false;

  constructor(native: Native) {
    this.native = native;
  }

  beforeCommit(act: () => Promise<void>): void {
    this.#before.push(act);
  }

  afterCommit(act: () => void): void {
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

  committed(): void {
    for (const act of this.#after.splice(0)) act();
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
