import type { Suspect } from "../discovery/balancing/ejection.ts";
import type { Candidate } from "../discovery/balancing/balancer.ts";
import type { Instance } from "../discovery/discovery.ts";
import type { Caller } from "../protocol/protocol.ts";
import type { AimdLimit } from "../resilience/aimd-limit.ts";
import type { Breaker } from "../resilience/breaker.ts";
import type { EndpointEvidence } from "../resilience/evidence.ts";
import { effects, type OutcomeKind } from "../resilience/outcome.ts";
import type { PeakEwma } from "../resilience/peak-ewma.ts";

/** Which gate of an endpoint lets nothing through. */
export type Shut = "breaker" | "limit";

/** What learns from an endpoint's answers. */
export interface TargetParts {
  readonly load: PeakEwma;
  /** Undefined: it is never taken out. */
  readonly breaker: Breaker | undefined;
  /** Undefined: only the caller's own bound holds. */
  readonly limit: AimdLimit | undefined;
  /** Compares it with the others; undefined where there are none. */
  readonly suspect?: Suspect | undefined;
  /** What other processes say of it, and hear; undefined: nobody is asked. */
  readonly evidence?: EndpointEvidence | undefined;
  /** The share of its usual load that it gets, from its age; undefined: all of it at once. */
  readonly warmth?: ((now: number) => number) | undefined;
}

/** Leave to send one request to an endpoint: the generation of its breaker, or one of those below. */
export type TargetPermit = number;

/** The breaker has no say: there is none, or there was nobody else to ask. */
const unguarded: TargetPermit = -2;

/**
 * One endpoint as the pipeline sees it: its caller, and what is known of it. All operations and all clients of the process that
 * share the pipeline learn from each other here.
 */
export class Target implements Candidate {
  readonly id: string;
  readonly caller: Caller;
  /** How near it is: 0 is nearest. */
  readonly rung: number;
  /** What discovery says of it; undefined where the address was given. */
  instance: Instance | undefined;
  weight: number;
  inFlight = 0;
  /** Streams that have begun and not ended. */
  streams = 0;
  /** Requests that were given it, and those of them that failed so that it counts. */
  begun = 0;
  failed = 0;
  /** It takes no new requests, because discovery does not know it any more or says so. */
  draining = false;
  readonly parts: TargetParts;
  /** Failures in a row. */
  #row = 0;
  /** Since when nothing has come from it, though something is under way there. */
  #silentSince = 0;
  /** Whether the last request that says something of it went well. */
  healthy: boolean = true;
  /** Hears when that changes. */
  onHealth: ((healthy: boolean) => void) | undefined;

  constructor(
    id: string,
    caller: Caller,
    rung: number,
    instance: Instance | undefined,
    parts: TargetParts,
  ) {
    this.id = id;
    this.caller = caller;
    this.rung = rung;
    this.instance = instance;
    this.weight = instance?.weight ?? 1;
    this.parts = parts;
  }

  /**
   * What is known of it says nothing of one that has just stopped to answer: it stands still, and what it holds fails only at
   * its deadline. So an answer takes at least as long as nothing has been heard from it.
   */
  load(now: number): number {
    const { load, breaker } = this.parts;
    // Its failures are the last that is known: without a request of its own it would seem slow for as long as they do.
    if (breaker?.probeDue(now) === true) return 0;
    const silentMs = this.inFlight === 0 ? 0 : now - this.#silentSince;
    return Math.max(load.value(now), silentMs) * (this.inFlight + this.streams + 1);
  }

  warmth(now: number): number {
    const { breaker, warmth } = this.parts;
    if (breaker?.probeDue(now) === true) return 1;
    return Math.min(warmth?.(now) ?? 1, breaker?.rampFrom(now) ?? 1) || 1;
  }

  available(now: number): boolean {
    if (this.draining || this.parts.suspect?.ejected === true) return false;
    const { state } = this.caller;
    if (state === "waiting" || state === "closed") return false;
    if (this.parts.evidence?.shut(now) === true) return false;
    return this.parts.breaker?.available(now) ?? true;
  }

  /** Takes on one request, or says which gate is shut. `forced`: there is nobody else to ask; what others agreed on holds even then. */
  begin(now: number, forced: boolean): TargetPermit | Shut {
    const { breaker, limit, evidence } = this.parts;
    if (evidence?.shut(now) === true) return "breaker";
    let permit = unguarded;
    if (breaker !== undefined) {
      permit = breaker.tryAcquire(now);
      if (permit < 0) {
        if (!forced) return "breaker";
        permit = unguarded;
      }
    }
    if (limit?.tryAcquire() === false) {
      if (permit >= 0) breaker?.release(permit, "local", now);
      return "limit";
    }
    if (this.inFlight === 0) this.#silentSince = now;
    evidence?.begins(now);
    this.inFlight++;
    this.begun++;
    return permit;
  }

  /** What came of it. `pushbackMs`: how long the server asks to be left alone. */
  end(
    permit: TargetPermit,
    outcome: OutcomeKind,
    elapsedMs: number,
    now: number,
    pushbackMs?: number,
  ): void {
    this.inFlight--;
    const { breaker, limit, load, suspect } = this.parts;
    const effect = effects[outcome];
    if (effect.heard) this.#silentSince = now;
    if (effect.breaker !== "ignore") this.#judge(effect.breaker, now);
    const recovered = permit >= 0 && breaker?.release(permit, outcome, now) === true;
    suspect?.record(outcome);
    limit?.release(outcome, elapsedMs, now);
    if (recovered) load.restart(elapsedMs, now);
    else if (effect.load === "latency") load.observe(elapsedMs, now);
    else if (effect.load === "penalty") load.penalize(pushbackMs, now);
    else if (effect.load === "elapsed") load.observeElapsed(elapsedMs, now);
  }

  #judge(effect: "success" | "failure" | "rate", now: number): void {
    const well = effect === "success";
    if (!well) this.failed++;
    if (effect !== "rate") {
      this.#row = well ? 0 : this.#row + 1;
      this.parts.evidence?.saw(this.#row, now);
    }
    if (well === this.healthy) return;
    this.healthy = well;
    this.onHealth?.(well);
  }
}
