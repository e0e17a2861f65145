import type { Env } from "../base/env.ts";
import { AimdLimit } from "../resilience/aimd-limit.ts";
import { Breaker } from "../resilience/breaker.ts";
import { PeakEwma } from "../resilience/peak-ewma.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { Target, type TargetParts } from "../pipeline/target.ts";
import { OneTarget } from "../pipeline/target-set.ts";
import type { PipelineTerms } from "../pipeline/terms.ts";
import type { TakenCaller } from "./caller-pool.ts";

/** What a new endpoint is thought to take, in milliseconds, before anything is known of it (Linkerd's default). */
const seedMs = 30;

/** What learns from an endpoint, as the terms say. */
export function targetParts(terms: PipelineTerms, env: Env, now: number): TargetParts {
  return {
    load: new PeakEwma({}, seedMs, now),
    breaker: terms.breaker === false ? undefined : new Breaker(terms.breaker, env.random),
    limit: terms.endpointLimit === false ? undefined : new AimdLimit(terms.endpointLimit),
  };
}

/** The pipeline before one given address. */
export function pipelineTo(
  { caller, release }: TakenCaller,
  terms: PipelineTerms,
  lane: string | undefined,
  env: Env,
): Pipeline {
  const target = new Target(
    caller.endpoint,
    caller,
    0,
    undefined,
    targetParts(terms, env, env.now()),
  );
  return new Pipeline(caller.endpoint, new OneTarget(target, release), terms, lane, env);
}
