import { backoff } from "../base/backoff.ts";
import type { Random } from "../base/random.ts";
import { bounded, boundedWhole } from "./bounded.ts";
import { effects, type OutcomeKind } from "./outcome.ts";
import { RollingSum } from "./rolling-sum.ts";

export interface BreakerOptions {
  /** Failures in a row that open it, 1 to 1,000. Default 5 (Finagle, Envoy). */
  readonly consecutive?: number;
  /** The same while others suspect the endpoint too (`suspect`). Default 2. */
  readonly consecutiveSuspected?: number;
  /** Opens below this share of successes, 0 to 1. Default 0.8 (Finagle, Linkerd). 0: never by rate. */
  readonly successRate?: number;
  /** The time over which the share is taken, 1,000 to 600,000 ms. Default 30,000. */
  readonly windowMs?: number;
  /** The share says nothing below so many requests in the window. Default 20. */
  readonly requestsMin?: number;
  /** The shortest time that it stays open, and the longest; doubled with each failed probe, equally jittered. Default 5,000 and 300,000 ms. */
  readonly openMinMs?: number;
  readonly openMaxMs?: number;
  /** After this time a probe that has not been released is given up, and the next may go. Default 20,000 ms: twice the default deadline. */
  readonly probeMs?: number;
  /** Probes that must succeed, one after the other, before it closes. Default 1. */
  readonly probes?: number;
  /** The time after closing during which the endpoint gets more and more again, 0 to 600,000 ms. Default 10,000. */
  readonly rampMs?: number;
}

export type BreakerState = "closed" | "open" | "halfOpen";

/** What `tryAcquire` answers when nothing may go through. */
export const noPermit = -1;

/** The least that an endpoint gets after closing: Envoy's bound of slow start. */
const rampFloor = 0.1;

/**
 * The circuit breaker of one endpoint: opens after failures in a row, or when too few of the last requests succeeded; then lets a
 * single probe through, and closes when that succeeds. It has no timers: each transition follows from the `now` of whoever asks, so it
 * cannot get stuck. Each permit carries the generation in which it was given: what began before a transition never moves the state after it.
 */
export class Breaker {
  readonly #options: Required<BreakerOptions>;
  readonly #random: Random;
  #state: BreakerState = "closed";
  #generation = 0;
  /** Failures in a row while closed. */
  #failures = 0;
  #suspectedUntil = -Infinity;
  /** Made with the first outcome: most endpoints of a large set are never called. */
  #counts: { readonly successes: RollingSum; readonly total: RollingSum } | undefined;
  /** How often it opened without a healthy window between. */
  #trips = 0;
  #retryAt = 0;
  #closedAt = -Infinity;
  /** The permit that probes, and the instant at which it is given up. */
  #probe = noPermit;
  #probeUntil = 0;
  #probed = 0;

  constructor(options: BreakerOptions, random: Random) {
    this.#options = complete(options);
    this.#random = random;
  }

  /** The generation of the permit, to be released with it; `noPermit` (-1) when nothing may go through now. */
  tryAcquire(now: number): number {
    this.#advance(now);
    if (this.#state === "closed") return this.#generation;
    if (this.#state === "open" || this.#probing(now)) return noPermit;
    // A generation for each probe: the late result of one that was given up counts no more.
    this.#probe = ++this.#generation;
    this.#probeUntil = now + this.#options.probeMs;
    return this.#probe;
  }

  /** What came of it. Of another generation, or twice for a probe: ignored. True when it was the probe that closes it. */
  release(generation: number, outcome: OutcomeKind, now: number): boolean {
    this.#advance(now);
    if (generation !== this.#generation) return false;
    const effect = effects[outcome].breaker;
    if (this.#state === "closed") this.#learn(effect, now);
    else if (this.#state === "halfOpen" && this.#probe === generation) this.#judge(effect, now);
    return this.#state === "closed" && generation !== this.#generation;
  }

  state(now: number): BreakerState {
    this.#advance(now);
    return this.#state;
  }

  /** Whether `tryAcquire` would give a permit. */
  available(now: number): boolean {
    return this.#state === "closed" || this.probeDue(now);
  }

  /** Whether the next permit is for a probe: one request should be sent there, however slow it seems. */
  probeDue(now: number): boolean {
    if (this.#state === "closed") return false;
    this.#advance(now);
    return this.#state === "halfOpen" && !this.#probing(now);
  }

  /** The instant from which the next permit can be had, in milliseconds of `now`; undefined: at once. */
  retryAt(now: number): number | undefined {
    if (this.available(now)) return undefined;
    return this.#state === "open" ? this.#retryAt : this.#probeUntil;
  }

  /** The share of its usual load that the endpoint should get: 0 while open, 0.1 to 1 in the time after closing, then 1. */
  rampFrom(now: number): number {
    this.#advance(now);
    if (this.#state !== "closed") return 0;
    const { rampMs } = this.#options;
    const age = now - this.#closedAt;
    return age >= rampMs ? 1 : Math.max(rampFloor, age / rampMs);
  }

  /** Until then less evidence is enough (`consecutiveSuspected`), because other processes have seen it fail too. */
  suspect(until: number): void {
    this.#suspectedUntil = Math.max(this.#suspectedUntil, until);
  }

  #advance(now: number): void {
    if (this.#state !== "open" || now < this.#retryAt) return;
    this.#transition("halfOpen");
    this.#probed = 0;
  }

  #probing(now: number): boolean {
    return this.#probe !== noPermit && now < this.#probeUntil;
  }

  #learn(effect: "success" | "failure" | "rate" | "ignore", now: number): void {
    if (effect === "ignore") return;
    const { windowMs, requestsMin, successRate } = this.#options;
    this.#counts ??= {
      successes: new RollingSum(windowMs, now),
      total: new RollingSum(windowMs, now),
    };
    const { successes, total } = this.#counts;
    total.add(1, now);
    if (effect === "success") {
      successes.add(1, now);
      this.#failures = 0;
    } else if (effect === "failure") this.#failures++;
    const many = total.sum(now);
    const poor = many >= requestsMin && successes.sum(now) < successRate * many;
    if (poor || this.#failures >= this.#enough(now)) this.#trip(now);
  }

  #enough(now: number): number {
    const { consecutive, consecutiveSuspected } = this.#options;
    return now < this.#suspectedUntil ? Math.min(consecutive, consecutiveSuspected) : consecutive;
  }

  #judge(effect: "success" | "failure" | "rate" | "ignore", now: number): void {
    this.#probe = noPermit;
    if (effect === "ignore") return; // it says nothing: the next one probes
    if (effect !== "success") this.#trip(now);
    else if (++this.#probed >= this.#options.probes) this.#closeAt(now);
  }

  #trip(now: number): void {
    const { windowMs, openMinMs, openMaxMs } = this.#options;
    if (this.#state === "closed" && now - this.#closedAt >= windowMs) this.#trips = 0;
    // Equal jitter waits at least half of its ceiling, so the first ceiling is twice the shortest wait.
    const waits = { baseMs: 2 * openMinMs, capMs: openMaxMs };
    this.#retryAt = now + Math.max(openMinMs, backoff(this.#trips++, waits, this.#random));
    this.#transition("open");
  }

  #closeAt(now: number): void {
    this.#transition("closed");
    this.#closedAt = now;
    this.#counts = undefined;
  }

  #transition(state: BreakerState): void {
    this.#state = state;
    this.#generation++;
    this.#failures = 0;
    this.#probe = noPermit;
  }
}

function complete(options: BreakerOptions): Required<BreakerOptions> {
  const openMinMs = bounded("breaker openMinMs", options.openMinMs ?? 5_000, 1, 3_600_000);
  const longest = options.openMaxMs ?? Math.max(300_000, openMinMs);
  return {
    consecutive: boundedWhole("breaker consecutive", options.consecutive ?? 5, 1, 1_000),
    consecutiveSuspected: boundedWhole(
      "breaker consecutiveSuspected",
      options.consecutiveSuspected ?? 2,
      1,
      1_000,
    ),
    successRate: bounded("breaker successRate", options.successRate ?? 0.8, 0, 1),
    windowMs: bounded("breaker windowMs", options.windowMs ?? 30_000, 1_000, 600_000),
    requestsMin: boundedWhole("breaker requestsMin", options.requestsMin ?? 20, 1, 1_000_000),
    openMinMs,
    openMaxMs: bounded("breaker openMaxMs", longest, openMinMs, 86_400_000),
    probeMs: bounded("breaker probeMs", options.probeMs ?? 20_000, 1, 3_600_000),
    probes: boundedWhole("breaker probes", options.probes ?? 1, 1, 1_000),
    rampMs: bounded("breaker rampMs", options.rampMs ?? 10_000, 0, 600_000),
  };
}
