import type { Env } from "../base/env.ts";
import { laneOf } from "../discovery/instance.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Target } from "../pipeline/target.ts";
import type { Caller, CallerState } from "../protocol/protocol.ts";
import { pipelines } from "./pipeline-pool.ts";

/** What a client knows of the service that it calls. */
export interface ClientState {
  readonly endpoint: string;
  /** The best that there is among its endpoints. */
  readonly state: CallerState;
  /** Calls under way by swim lane, those between two tries among them. */
  readonly lanes: Readonly<Record<string, number>>;
  /** Retries that may still be made at once, of all clients of the process that share this. */
  readonly retriesLeft: number;
  readonly endpoints: readonly EndpointState[];
}

/** What is known of one endpoint. */
export interface EndpointState {
  /** Of the instance; the address where that was given. */
  readonly id: string;
  readonly address: string;
  readonly state: CallerState;
  /** What carries its connection: the transport of the address, or `unix` or `shm` after a move on this host; undefined: there is none, or its protocol does not tell. */
  readonly way?: string;
  /** Why that connection has not moved to a faster way, though both ends are on this host. */
  readonly stayed?: string;
  /** 0: in this process or given, 1: on this host, 2: in the zone, 3: in the region, 4: elsewhere. */
  readonly rung: number;
  readonly inFlight: number;
  /** As many as it is thought to bear at once; undefined: not limited. */
  readonly limit?: number;
  /** What it takes to answer: the peak, forgotten over 10 s, in milliseconds. */
  readonly ewmaMs: number;
  readonly breaker: "closed" | "open" | "halfOpen" | "none";
  /** Out of the choice, because the others succeed clearly more often. */
  readonly ejected: boolean;
  /** Its swim lane; undefined where its address was given. */
  readonly lane?: string;
  /** Requests that it was given, and those of them that speak against it. */
  readonly begun: number;
  readonly failed: number;
  readonly draining: boolean;
}

/** What all clients of this process know, each service once. */
export function clientStates(env: Env): ClientState[] {
  return [...pipelines.list(env)].map((pipeline) => clientState(pipeline, false, env.now()));
}

export function clientState(caller: Caller, closed: boolean, now: number): ClientState {
  const { endpoint } = caller;
  const state = closed ? "closed" : caller.state;
  if (!(caller instanceof Pipeline))
    return { endpoint, state, lanes: {}, retriesLeft: 0, endpoints: [] };
  const { service, targets } = caller;
  return {
    endpoint,
    state,
    lanes: service.bulkhead.lanes(),
    retriesLeft: service.budget.balance(now),
    endpoints: targets.all.map((target) => endpointState(target, now)),
  };
}

function endpointState(target: Target, now: number): EndpointState {
  const { name: way, stayed } = target.caller.way ?? {};
  const { id, caller, rung, inFlight, begun, failed, draining, parts } = target;
  return {
    id,
    address: caller.endpoint,
    state: caller.state,
    ...(way === undefined ? {} : { way }),
    ...(stayed === undefined ? {} : { stayed }),
    rung,
    inFlight,
    ...(parts.limit === undefined ? {} : { limit: parts.limit.limit }),
    ewmaMs: parts.load.value(now),
    breaker: parts.breaker?.state(now) ?? "none",
    ejected: parts.suspect?.ejected ?? false,
    ...(target.instance === undefined ? {} : { lane: laneOf(target.instance) }),
    begun,
    failed,
    draining,
  };
}
