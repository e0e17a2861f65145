import type { Env } from "../../base/env.ts";
import type { Kind } from "../../base/handler.ts";
import { TraceContext } from "../../base/trace.ts";
import { json } from "../../codec/json.ts";
import type { Balancer } from "../../discovery/balancing/balancer.ts";
import { rungs } from "../../discovery/balancing/rungs.ts";
import type { Instance } from "../../discovery/discovery.ts";
import { Attempt } from "../../protocol/attempt.ts";
import { Operation } from "../../protocol/operation.ts";
import type { Caller } from "../../protocol/protocol.ts";
import { AimdLimit } from "../../resilience/aimd-limit.ts";
import { Breaker, type BreakerOptions } from "../../resilience/breaker.ts";
import { defaultSeedMs, PeakEwma } from "../../resilience/peak-ewma.ts";
import { Pipeline } from "../pipeline.ts";
import { Target } from "../target.ts";
import type { Targets, TargetSet } from "../target-set.ts";
import { pipelineTerms, type ResilienceOptions } from "../terms.ts";

/** Endpoints that stay the same. */
class FixedTargets implements TargetSet, Targets {
  readonly all: readonly Target[];
  readonly list: readonly Target[];
  readonly #balancer: Balancer<Target>;

  constructor(targets: readonly Target[], balancer: Balancer<Target>, now: number) {
    this.all = targets;
    this.list = targets;
    this.#balancer = balancer;
    balancer.update(targets, now);
  }

  pick(ask: Parameters<Targets["pick"]>[0]): Target | undefined {
    return this.#balancer.pick(ask);
  }

  inLane(): Targets {
    return this;
  }

  whenFound(): () => void {
    return () => {};
  }

  missing(): never {
    throw new Error("there are always some");
  }

  async close(): Promise<void> {}
}

/** How the endpoints of a laboratory are made. */
export interface LabTerms extends ResilienceOptions {
  readonly balancer?: Balancer<Target>;
  readonly instances?: readonly Partial<Instance>[];
  readonly breakers?: BreakerOptions;
}

/** A pipeline before callers that the test makes, with the usual gates. */
export class Lab {
  readonly targets: readonly Target[];
  readonly pipeline: Pipeline;
  readonly #env: Env;

  constructor(env: Env, callers: readonly Caller[], terms: LabTerms = {}) {
    this.#env = env;
    const { balancer = rungs<Target>(), instances = [], breakers = {}, ...options } = terms;
    const now = env.now();
    this.targets = callers.map((caller, index) => {
      const instance: Instance = {
        id: caller.endpoint,
        bootId: "",
        contracts: [],
        addresses: [caller.endpoint],
        state: "ready",
        ...instances[index],
      };
      return new Target(caller.endpoint, caller, 0, instance, {
        load: new PeakEwma({}, defaultSeedMs, now),
        breaker: new Breaker(breakers, env.random),
        limit: new AimdLimit({ min: 4, initial: 4_096, max: 4_096 }),
      });
    });
    const set = new FixedTargets(this.targets, balancer, now);
    this.pipeline = new Pipeline("lab", set, pipelineTerms(options, 2_000, env), undefined, env);
  }

  /** Asks `operation` with so much time. */
  async ask(
    operation: Operation,
    input: unknown = "x",
    withinMs: number = 10_000,
  ): Promise<unknown> {
    return this.pipeline.call(operation, input, this.attempt(withinMs));
  }

  attempt(withinMs: number = 10_000, totalMs: number = Infinity): Attempt {
    const trace = new TraceContext(1, 2, 3, 4, 5, 6, 1);
    const now = this.#env.now();
    return new Attempt(now + withinMs, now + totalMs, trace, undefined, undefined);
  }

  /** Requests that somebody has not given back: zero when all is quiet. */
  get held(): number {
    const inLanes = Object.values(this.pipeline.service.bulkhead.lanes());
    const limits = this.targets.map(({ parts }) => parts.limit?.inFlight ?? 0);
    const inFlight = this.targets.map((target) => target.inFlight + target.streams);
    return [...inLanes, ...limits, ...inFlight].reduce((sum, each) => sum + each, 0);
  }
}

/** An operation of no contract. */
export function operationOf(
  idempotent: boolean | "by-key",
  member: string = "ask",
  kind: Kind = "call",
  key?: string,
): Operation {
  const shape = { name: "lab", version: "1.0.0", operations: {} };
  const owner = { name: "lab", major: 1, digest: "", operations: [member], shape };
  return new Operation({
    owner,
    siblings: [],
    version: "1.0.0",
    member,
    kind,
    idempotent,
    key,
    first: json,
    headless: false,
    input: json,
    output: json,
  });
}
