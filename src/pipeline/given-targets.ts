import type { TrunklineError } from "../base/error.ts";
import { mainLane } from "../discovery/discovery.ts";
import type { PickAsk } from "../discovery/balancing/balancer.ts";
import type { Target } from "./target.ts";
import type { Targets, TargetSet } from "./target-set.ts";

/** The one endpoint of a lane: there is nobody else to ask. */
class OneTarget implements Targets {
  readonly list: readonly Target[];
  readonly target: Target;

  constructor(target: Target) {
    this.target = target;
    this.list = [target];
  }

  pick({ tried }: PickAsk): Target | undefined {
    return tried === undefined || tried.length === 0 ? this.target : undefined;
  }

  whenFound(): () => void {
    return () => {};
  }

  missing(): TrunklineError {
    throw new Error("a given address is always there");
  }
}

/** An endpoint, and how it is let go. */
export interface GivenTarget {
  readonly target: Target;
  readonly release: (withinMs: number) => Promise<void>;
}

/** Lanes that have a connection of their own; what is beyond shares that of the main one. */
const lanesMax = 16;

/** One address that was given. Each lane has a connection of its own, so that none waits behind what another one sends. */
export class GivenTargets implements TargetSet {
  readonly #make: (lane: string) => GivenTarget;
  readonly #lanes = new Map<string, OneTarget>();
  readonly #releases: GivenTarget["release"][] = [];
  readonly #shared: boolean;

  /** `shared`: there can only be one connection, whatever the lane. */
  constructor(make: (lane: string) => GivenTarget, shared: boolean) {
    this.#make = make;
    this.#shared = shared;
    this.#begin(mainLane);
  }

  get all(): readonly Target[] {
    return [...this.#lanes.values()].map(({ target }) => target);
  }

  inLane(lane: string): Targets {
    const held = this.#lanes.get(lane);
    if (held !== undefined) return held;
    if (this.#shared || this.#lanes.size >= lanesMax) return this.#lanes.get(mainLane)!;
    return this.#begin(lane);
  }

  #begin(lane: string): OneTarget {
    const { target, release } = this.#make(lane);
    const held = new OneTarget(target);
    this.#lanes.set(lane, held);
    this.#releases.push(release);
    return held;
  }

  async close(withinMs: number): Promise<void> {
    await Promise.all(this.#releases.splice(0).map((release) => release(withinMs)));
  }
}
