import type { TrunklineError } from "../base/error.ts";
import type { PickAsk } from "../discovery/balancing/balancer.ts";
import type { Target } from "./target.ts";

/** The endpoints of one service, and who of them is asked next. */
export interface TargetSet {
  /** Those that may be chosen. */
  readonly list: readonly Target[];
  /** Who is to be asked; undefined when there is nobody that was not tried. */
  pick(ask: PickAsk): Target | undefined;
  /** Calls `found` when the list is no longer empty; returns how to stop waiting. */
  whenFound(found: () => void): () => void;
  /** Why the list is empty. */
  missing(): TrunklineError;
  close(withinMs: number): Promise<void>;
}

/** One address that was given: there is nobody else to ask. */
export class OneTarget implements TargetSet {
  readonly list: readonly Target[];
  readonly #target: Target;
  readonly #release: (withinMs: number) => Promise<void>;

  constructor(target: Target, release: (withinMs: number) => Promise<void>) {
    this.#target = target;
    this.list = [target];
    this.#release = release;
  }

  pick({ tried }: PickAsk): Target | undefined {
    return tried === undefined || tried.length === 0 ? this.#target : undefined;
  }

  whenFound(): () => void {
    return () => {};
  }

  missing(): TrunklineError {
    throw new Error("a given address is always there");
  }

  close(withinMs: number): Promise<void> {
    return this.#release(withinMs);
  }
}
