import type { Env } from "../base/env.ts";
import type { Instance } from "../discovery/discovery.ts";

/**
 * How it is found out whether a target works. `contract`: by its Health contract, at its first address that speaks as Trunkline
 * does. `tcp`: by connecting to its first address. `none`: it is believed.
 */
export type HealthCheck = "contract" | "tcp" | "none";

export const healthChecks: readonly HealthCheck[] = ["contract", "tcp", "none"];

/** Something that is to be registered by somebody else than itself. Its `bootId` changes with each life that can be told apart. */
export interface Target extends Omit<Instance, "state"> {
  readonly check: HealthCheck;
}

/** Knows which targets there are now. */
export interface TargetSource {
  /** The name for people: `services.json`, `docker`. */
  readonly name: string;
  /**
   * Tells all targets, and again all whenever something has changed. `problem`: why it cannot be known now, or why a change was not
   * taken; what was told before then stays. Called once.
   */
  follow(
    tell: (targets: readonly Target[]) => void,
    problem: (reason: string) => void,
    env: Env,
  ): void;
  close(): Promise<void>;
}
