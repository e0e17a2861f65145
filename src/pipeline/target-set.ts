import type { TrunklineError } from "../base/error.ts";
import type { PickAsk } from "../discovery/balancing/balancer.ts";
import type { Target } from "./target.ts";

/** The endpoints of one service in one swim lane, and who of them is asked next. */
export interface Targets {
  /** Those that may be chosen. */
  readonly list: readonly Target[];
  /** Who is to be asked; undefined when there is nobody that was not tried. */
  pick(ask: PickAsk): Target | undefined;
  /** Calls `found` when the list is no longer empty; returns how to stop waiting. */
  whenFound(found: () => void): () => void;
  /** Why the list is empty. */
  missing(): TrunklineError;
}

/** The endpoints of one service. */
export interface TargetSet {
  readonly all: readonly Target[];
  /** Those that calls of this lane may go to: never those of another. */
  inLane(lane: string): Targets;
  close(withinMs: number): Promise<void>;
}
