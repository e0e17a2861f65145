import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { slowStart } from "../discovery/balancing/slow-start.ts";
import type { Balancer } from "../discovery/balancing/balancer.ts";
import { rungs } from "../discovery/balancing/rungs.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { EndpointSet, type LastGood } from "../discovery/endpoint-set.ts";
import { membersOf } from "../call/compile.ts";
import { AimdLimit } from "../resilience/aimd-limit.ts";
import { Breaker } from "../resilience/breaker.ts";
import type { EndpointEvidence, Evidence } from "../resilience/evidence.ts";
import { defaultSeedMs, PeakEwma } from "../resilience/peak-ewma.ts";
import { FoundTargets } from "../pipeline/found-targets.ts";
import { GivenTargets } from "../pipeline/given-targets.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { Target, type TargetParts } from "../pipeline/target.ts";
import type { PipelineTerms } from "../pipeline/terms.ts";
import type { TakenCaller } from "./caller-pool.ts";
import { reach, type Standpoint } from "./reach.ts";

/** Joins those who exchange evidence of an endpoint, if there are any. */
type Join = (suspect: (until: number) => void) => EndpointEvidence | undefined;

/** What processes tell each other, and how that ends with the pipeline. */
export interface TakenEvidence {
  readonly evidence: Evidence | undefined;
  readonly release: () => Promise<void>;
}

/** What learns from an endpoint, as the terms say. */
function targetParts(
  terms: PipelineTerms,
  join: Join,
  env: Env,
  now: number,
  seedMs: number = defaultSeedMs,
): TargetParts {
  const whole = terms.breaker === false || terms.breaker.scope === "service";
  const breaker = whole ? undefined : new Breaker(terms.breaker || {}, env.random);
  return {
    load: new PeakEwma({}, seedMs, now),
    breaker,
    evidence: breaker === undefined ? undefined : join((until) => breaker.suspect(until)),
    limit: terms.endpointLimit === false ? undefined : new AimdLimit(terms.endpointLimit),
  };
}

/** The pipeline before one given address. `take` gives a caller for a lane; `single`: there is one, whatever the lane. */
export function pipelineTo(
  endpoint: string,
  take: (lane: string) => TakenCaller,
  single: boolean,
  terms: PipelineTerms,
  lane: string | undefined,
  shared: TakenEvidence,
  env: Env,
): Pipeline {
  const make = (of: string) => {
    const { caller, release } = take(of);
    const join: Join = (suspect) => shared.evidence?.join(endpoint, endpoint, suspect);
    const parts = targetParts(terms, join, env, env.now());
    const target = new Target(caller.endpoint, caller, 0, undefined, parts);
    const end = async (withinMs: number): Promise<void> => {
      await Promise.all([release(withinMs), shared.release()]);
    };
    return { target, release: end };
  };
  return new Pipeline(endpoint, new GivenTargets(make, single), terms, lane, env);
}

/** How the instances of a service are found and chosen. */
export interface ServiceTerms {
  readonly service: string;
  readonly discovery: Discovery;
  /** The same, for words. */
  readonly where: string;
  /** Releases the discovery, where it was made for this. */
  readonly release: () => Promise<void>;
  readonly lane: string | undefined;
  readonly laneSpill: boolean;
  readonly balance: (() => Balancer<Target>) | undefined;
  readonly lastGood: LastGood | undefined;
  readonly shared: TakenEvidence;
}

const warm = slowStart();

/** The pipeline before all instances of a service that discovery knows. */
export function pipelineToService(
  contract: AnyContract,
  service: ServiceTerms,
  from: Omit<Standpoint, "kinds">,
  terms: PipelineTerms,
  env: Env,
): Pipeline {
  const { major } = contract[info];
  const kinds = new Set(membersOf(contract).map(({ operation }) => operation.kind));
  const { discovery, lastGood, balance, shared } = service;
  const set = new EndpointSet(
    {
      service: service.service,
      major,
      hostId: from.hostId,
      refresh: () => watch.refresh(),
      ...(lastGood === undefined ? {} : { lastGood }),
    },
    env,
  );
  const watch = discovery.watch(service.service, (snapshot) => set.apply(snapshot), env);
  const finding = {
    service: `${service.service}@${major}`,
    advice: discovery.capabilities.registers
      ? `start one that registers (\`register: true\`) where this client looks: ${service.where}`
      : `look at what ${service.where} lists`,
    set,
    balancer: () => rungs<Target>(balance),
    parts: (id: string, seedMs: number | undefined, now: number): TargetParts => {
      const join: Join = (suspect) => shared.evidence?.join(service.service, id, suspect);
      const warmth = (at: number): number => warm(at - now);
      return { ...targetParts(terms, join, env, now, seedMs), warmth };
    },
    connect: (instance: Parameters<typeof reach>[0]) => reach(instance, { ...from, kinds }),
    spill: service.laneSpill,
    stop: async () => {
      await watch.close();
      await Promise.all([service.release(), shared.release()]);
    },
  };
  const name = `service:${service.service}`;
  return new Pipeline(name, new FoundTargets(finding, env), terms, service.lane, env);
}

/** A service of another name than its contract's would never be found. */
export function checkService(service: string, contract: AnyContract): void {
  const { name } = contract[info];
  if (service === name) return;
  throw systemError("INVALID_ARGUMENT", `service:${service} is not the contract ${name}`, {
    executed: "no",
    advice: `services are found by the name of their contract: service:${name}`,
  });
}
