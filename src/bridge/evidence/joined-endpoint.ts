import { probeAskMs, reportAgainMs, tellFrom, witnessFrom } from "./bounds.ts";
import type { EndpointName } from "./contract.ts";
import type { Verdict } from "./verdicts.ts";

/** What an endpoint asks of those who carry its words. Neither is waited for. */
export interface ExchangeActs {
  report(of: JoinedEndpoint): void;
  askProbe(of: JoinedEndpoint): void;
}

/** One endpoint in the exchange, as a state machine: what this process saw of it, and what came of what others did. */
export class JoinedEndpoint {
  readonly name: EndpointName;
  readonly suspects: Set<(until: number) => void> = new Set();
  /** Failures in a row, as this process saw them last. */
  failures = 0;
  readonly #acts: ExchangeActs;
  #told = 0;
  #toldAt = -Infinity;
  #shutUntil = 0;
  #grantedUntil = 0;
  /** The one request that looks is under way: whatever comes of it is to be told. */
  #probing = false;
  #askAt = 0;

  constructor(name: EndpointName, acts: ExchangeActs) {
    this.name = name;
    this.#acts = acts;
  }

  shut(now: number): boolean {
    if (now >= this.#shutUntil || now < this.#grantedUntil) return false;
    if (now >= this.#askAt) {
      this.#askAt = now + probeAskMs;
      this.#acts.askProbe(this);
    }
    return true;
  }

  begins(now: number): void {
    if (now >= this.#grantedUntil) return;
    this.#grantedUntil = 0;
    this.#probing = true;
  }

  saw(failures: number, now: number): void {
    this.failures = failures;
    if (!this.#probing && !this.#isNews(now)) return;
    this.#probing = false;
    this.#told = failures;
    this.#toldAt = now;
    this.#acts.report(this);
  }

  /** Others are heard, or not any more: then there is no verdict. */
  heard(verdict: Verdict | undefined, global: boolean, now: number): void {
    this.#shutUntil = global ? (verdict?.shutUntil ?? 0) : 0;
    const until = verdict?.suspectUntil ?? 0;
    if (until > now) for (const suspect of this.suspects) suspect(until);
  }

  /** This process may send one request until then. */
  granted(until: number): void {
    this.#grantedUntil = until;
  }

  /** The last report did not arrive. */
  unreported(): void {
    this.#told = this.failures === 0 ? tellFrom : 0;
    this.#toldAt = -Infinity;
  }

  #isNews(now: number): boolean {
    if (this.failures === 0) return this.#told > 0;
    if (this.failures < tellFrom) return false;
    const more =
      this.#told < tellFrom || (this.#told < witnessFrom && this.failures >= witnessFrom);
    return more || now - this.#toldAt >= reportAgainMs;
  }
}
