import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { Balancer, PickAsk } from "../discovery/balancing/balancer.ts";
import { Ejection, type Suspect } from "../discovery/balancing/ejection.ts";
import { mainLane, type Instance } from "../discovery/discovery.ts";
import type { EndpointSet, Member } from "../discovery/endpoint-set.ts";
import { laneOf } from "../discovery/instance.ts";
import type { Caller } from "../protocol/protocol.ts";
import { Target, type TargetParts } from "./target.ts";
import type { Targets, TargetSet } from "./target-set.ts";

/** An instance that can be asked. */
export interface Connected {
  readonly caller: Caller;
  /** How near it is: 0 is nearest. */
  readonly rung: number;
  /** Lets what is under way end within the time, then closes. */
  release(withinMs: number): Promise<void>;
}

/** Where the endpoints of a service come from, and what is done with them. */
export interface Finding {
  /** The service, for words. */
  readonly service: string;
  /** What to do when there is no instance. */
  readonly advice: string;
  readonly set: EndpointSet;
  /** Makes the balancer of a lane. */
  readonly balancer: () => Balancer<Target>;
  /** Makes what learns from a new endpoint, which is thought to take `seedMs`. */
  readonly parts: (id: string, seedMs: number | undefined, now: number) => TargetParts;
  /** Makes a caller of an instance; a sentence when none of its addresses can be used from here. */
  readonly connect: (instance: Instance) => Connected | string;
  /** Calls of a lane that has no instance go to the main one. */
  readonly spill: boolean;
  /** No more is to be heard of the service. */
  readonly stop: () => Promise<void>;
}

/** How long requests under way to an endpoint that is known no more may take: the default deadline, in milliseconds. */
const removalMs = 10_000;

interface Held {
  readonly target: Target;
  readonly suspect: Suspect;
  readonly connected: Connected;
}

/** The endpoints that discovery knows of a service. */
export class FoundTargets implements TargetSet {
  #all: readonly Target[] = [];
  readonly #finding: Finding;
  readonly #env: Env;
  readonly #held = new Map<string, Held>();
  /** Instances that cannot be reached from here, and why. */
  readonly #unusable = new Map<string, string>();
  readonly #lanes = new Map<string, LaneTargets>();
  readonly #ejection: Ejection;
  readonly #leaving = new Set<Promise<void>>();

  constructor(finding: Finding, env: Env) {
    this.#finding = finding;
    this.#env = env;
    this.#ejection = new Ejection({}, env.now());
    finding.set.onChange(() => this.#follow());
    this.#follow();
  }

  get all(): readonly Target[] {
    return this.#all;
  }

  inLane(lane: string): Targets {
    const { spill } = this.#finding;
    const held = this.#lane(lane);
    return spill && held.list.length === 0 && lane !== mainLane ? this.#lane(mainLane) : held;
  }

  /** A lane that nobody serves keeps nothing: whoever asks names it. */
  #lane(name: string): LaneTargets {
    return this.#lanes.get(name) ?? this.#newLane(name);
  }

  #newLane(name: string): LaneTargets {
    const lane = new LaneTargets(
      this.#finding.balancer(),
      this.#ejection,
      () => this.#missing(name),
      () => this.#lanes.delete(name),
    );
    this.#lanes.set(name, lane);
    return lane;
  }

  #missing(lane: string): TrunklineError {
    const { service, set } = this.#finding;
    const [unusable] = this.#unusable.values();
    const where = lane === mainLane ? service : `${service} in the lane "${lane}"`;
    const { status, problem } = set.registry;
    let reason = `no instance of ${where} is known`;
    if (unusable !== undefined) reason = `no instance of ${where} can be reached: ${unusable}`;
    else if (status === "unavailable") reason += `, and the registry does not answer: ${problem}`;
    else if (status === "unknown") reason += ", because the registry has not answered yet";
    return systemError("UNAVAILABLE", reason, {
      executed: "no",
      advice: this.#finding.advice,
    });
  }

  /** Brings the targets in line with the set: with the whole of it, so that no change can be missed. */
  #follow(): void {
    const now = this.#env.now();
    const { members } = this.#finding.set;
    const keys = new Set(members.map(({ instance }) => keyOf(instance)));
    // First those that have gone: what a life that has ended took says nothing of the one that follows it.
    for (const [key, held] of this.#held) if (!keys.has(key)) this.#dismiss(key, held);
    for (const key of this.#unusable.keys()) if (!keys.has(key)) this.#unusable.delete(key);
    let seedMs: number | undefined;
    const seed = (): number | undefined => (seedMs ??= this.#median(now));
    for (const member of members) this.#adopt(member, now, seed);
    const usable = [...this.#held.values()].filter(({ target }) => !target.draining);
    this.#all = usable.map(({ target }) => target);
    const byLane = Map.groupBy(this.#all, ({ instance }) => laneOf(instance!));
    for (const [name, lane] of this.#lanes) if (!byLane.has(name)) lane.update([], now);
    for (const [name, targets] of byLane) this.#lane(name).update(targets, now);
  }

  #adopt({ instance, state }: Member, now: number, seed: () => number | undefined): void {
    const key = keyOf(instance);
    let held = this.#held.get(key);
    if (held === undefined) {
      if (state === "draining") return;
      const connected = this.#finding.connect(instance);
      if (typeof connected === "string") {
        this.#unusable.set(key, connected);
        return;
      }
      held = this.#hold(instance, connected, now, seed());
      this.#held.set(key, held);
    }
    const { target } = held;
    target.instance = instance;
    target.weight = instance.weight ?? 1;
    target.draining = state === "draining";
  }

  #hold(instance: Instance, connected: Connected, now: number, seedMs: number | undefined): Held {
    const { caller, rung } = connected;
    const parts = this.#finding.parts(keyOf(instance), seedMs, now);
    const suspect = this.#ejection.join();
    const target = new Target(instance.id, caller, rung, instance, { ...parts, suspect });
    target.onHealth = (healthy) => this.#finding.set.health(instance.id, healthy);
    return { target, suspect, connected };
  }

  /** What a new endpoint is thought to take: what the others do. Undefined: there are none. */
  #median(now: number): number | undefined {
    const loads = [...this.#held.values()].map(({ target }) => target.parts.load.value(now));
    // Of two the lower: one that fails is no measure for a new one.
    return loads.toSorted((a, b) => a - b)[Math.floor((loads.length - 1) / 2)];
  }

  #dismiss(key: string, { target, suspect, connected }: Held): void {
    this.#held.delete(key);
    this.#ejection.leave(suspect);
    target.parts.evidence?.leave();
    target.draining = true;
    target.onHealth = undefined;
    const leaving = connected.release(removalMs).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async close(withinMs: number): Promise<void> {
    this.#finding.set.close();
    await this.#finding.stop();
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#all = [];
    await Promise.all(held.map(({ connected }) => connected.release(withinMs)));
    await Promise.all(this.#leaving);
  }
}

/** The endpoints of one lane. */
class LaneTargets implements Targets {
  list: readonly Target[] = [];
  readonly missing: () => TrunklineError;
  readonly #balancer: Balancer<Target>;
  readonly #ejection: Ejection;
  readonly #forget: () => void;
  readonly #waiting = new Set<() => void>();

  constructor(
    balancer: Balancer<Target>,
    ejection: Ejection,
    missing: () => TrunklineError,
    forget: () => void,
  ) {
    this.#balancer = balancer;
    this.#ejection = ejection;
    this.missing = missing;
    this.#forget = forget;
  }

  update(targets: readonly Target[], now: number): void {
    if (targets.length === 0 && this.list.length === 0) {
      if (this.#waiting.size === 0) this.#forget();
      return;
    }
    this.list = targets;
    this.#balancer.update(targets, now);
    if (targets.length > 0) for (const found of [...this.#waiting]) found();
  }

  pick(ask: PickAsk): Target | undefined {
    this.#ejection.sweep(ask.now);
    return this.#balancer.pick(ask);
  }

  whenFound(found: () => void): () => void {
    this.#waiting.add(found);
    return () => this.#waiting.delete(found);
  }
}

/** An instance that was started anew is another one: what was learned of it is over. */
function keyOf({ id, bootId }: Instance): string {
  return `${id} ${bootId}`;
}
