import type { Random } from "../../base/random.ts";

/** What a balancer sees of an endpoint. */
export interface Candidate {
  /** Stable: the same endpoint has the same one, whenever it comes and goes. */
  readonly id: string;
  /** Its share beside others, above 0. */
  readonly weight: number;
  /** How near it is: 0 is nearest. */
  readonly rung: number;
  /** Requests under way there. */
  readonly inFlight: number;
  /** What one more request would have to expect, comparable between candidates; lower is better. */
  load(now: number): number;
  /** The share of its usual requests that it should get now, above 0 to 1: less than 1 while it is new. Default 1. */
  warmth?(now: number): number;
  /** False while it is ejected, draining or not to be reached. */
  available(now: number): boolean;
}

/** What a request says of itself to a balancer. */
export interface PickAsk {
  readonly now: number;
  readonly random: Random;
  /** Requests with the same one go to the same endpoint, with balancers that know of it. */
  readonly hashKey?: string | undefined;
  /** Endpoints that were tried already; chosen again only when `pick` finds no other, never by it. */
  readonly tried?: readonly Candidate[] | undefined;
  /** So few are available that those would break down under the load of all: choose as if all were. */
  readonly panic?: boolean | undefined;
}

/** Chooses among the endpoints of a service. */
export interface Balancer<C extends Candidate> {
  readonly name: string;
  /** The endpoints are these now. */
  update(candidates: readonly C[], now: number): void;
  /** Undefined when there is none that was not tried. Chooses one that is not available rather than none. */
  pick(ask: PickAsk): C | undefined;
}
