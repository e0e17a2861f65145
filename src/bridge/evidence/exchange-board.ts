import {
  endpointsMax,
  opinionBytesMax,
  opinionTtlMs,
  probeAfterMs,
  probeLeaseMs,
  reportersMax,
  tellFrom,
} from "./bounds.ts";
import type { EndpointName, Observation, Opinion, Reporter } from "./contract.ts";

interface Held {
  readonly host: string;
  failures: number;
  expiresAt: number;
  readonly bytes: number;
  /** Until then it can be kept alive by others. */
  readonly bornAt: number;
}

interface Entry {
  readonly name: EndpointName;
  /** By host and process. */
  readonly opinions: Map<string, Held>;
  failedAt: number;
  /** Who may try it, and until when. */
  probe: { readonly by: string; readonly until: number } | undefined;
}

/** An opinion that nobody of its own process has repeated is kept by probes of others no longer than this, in milliseconds. */
const keptMaxMs = 300_000;

/** Room for the field names and numbers of one opinion, in bytes. */
const numbersBytes = 96;

/** What processes say of endpoints, as a state machine: time comes in with each act. */
export class ExchangeBoard {
  readonly #entries = new Map<string, Entry>();
  #opinions = 0;
  #bytes = 0;

  /**
   * Takes what a process has seen. Whoever was to try the endpoint speaks for all: it answered, and all that was said of it is
   * void; it did not, and all that was said holds for its whole time again. True when something has changed for others.
   */
  report(from: Reporter, { service, endpoint, failures }: Observation, now: number): boolean {
    const key = keyOf({ service, endpoint });
    const by = reporterOf(from);
    const entry = this.#entries.get(key);
    const probed = entry?.probe?.by === by && now < entry.probe.until;
    if (entry !== undefined && probed) entry.probe = undefined;
    if (failures < tellFrom && !(probed && failures > 0)) {
      if (entry === undefined) return false;
      if (probed) this.#drop(key, entry);
      else if (!this.#forget(key, entry, by)) return false;
      return true;
    }
    if (entry !== undefined && probed) {
      entry.failedAt = now;
      for (const held of entry.opinions.values())
        if (now - held.bornAt < keptMaxMs) held.expiresAt = now + opinionTtlMs;
    }
    return this.#hold(key, { service, endpoint }, from, failures, now) || probed;
  }

  /** Whether this process may be the one that tries the endpoint; for how long it is the only one. 0: it may not. */
  probe(from: Reporter, name: EndpointName, now: number): number {
    const entry = this.#entries.get(keyOf(name));
    if (entry === undefined || now - entry.failedAt < probeAfterMs) return 0;
    const by = reporterOf(from);
    if (entry.probe !== undefined && now < entry.probe.until && entry.probe.by !== by) return 0;
    entry.probe = { by, until: now + probeLeaseMs };
    return probeLeaseMs;
  }

  /** All that holds now. */
  opinions(now: number): Opinion[] {
    return [...this.#entries.values()].flatMap(({ name, opinions }) =>
      [...opinions.values()]
        .filter(({ expiresAt }) => expiresAt > now)
        .map(({ host, failures, expiresAt }) => ({
          ...name,
          host,
          failures,
          leftMs: expiresAt - now,
        })),
    );
  }

  /** Forgets what does not hold any more. Nobody has to be told: they were told how long it holds. */
  advance(now: number): void {
    for (const [key, entry] of [...this.#entries])
      for (const [by, { expiresAt }] of [...entry.opinions])
        if (expiresAt <= now) this.#forget(key, entry, by);
  }

  /** Opinions that are held. */
  get size(): number {
    return this.#opinions;
  }

  #hold(key: string, name: EndpointName, from: Reporter, failures: number, now: number): boolean {
    const by = reporterOf(from);
    const bytes = Buffer.byteLength(JSON.stringify([key, from.host])) + numbersBytes;
    const fits = this.#bytes + bytes <= opinionBytesMax;
    let entry = this.#entries.get(key);
    const held = entry?.opinions.get(by);
    if (entry === undefined) {
      if (this.#entries.size >= endpointsMax || !fits) return false;
      entry = { name, opinions: new Map(), failedAt: now, probe: undefined };
      this.#entries.set(key, entry);
    }
    entry.failedAt = now;
    if (held !== undefined) {
      held.failures = Math.max(held.failures, failures);
      held.expiresAt = now + opinionTtlMs;
      return true;
    }
    if (entry.opinions.size >= reportersMax || !fits) return false;
    const { host } = from;
    entry.opinions.set(by, { host, failures, expiresAt: now + opinionTtlMs, bornAt: now, bytes });
    this.#opinions++;
    this.#bytes += bytes;
    return true;
  }

  #forget(key: string, entry: Entry, by: string): boolean {
    const held = entry.opinions.get(by);
    if (held === undefined) return false;
    entry.opinions.delete(by);
    this.#opinions--;
    this.#bytes -= held.bytes;
    if (entry.opinions.size === 0) this.#entries.delete(key);
    return true;
  }

  #drop(key: string, entry: Entry): void {
    for (const by of [...entry.opinions.keys()]) this.#forget(key, entry, by);
  }
}

function keyOf({ service, endpoint }: EndpointName): string {
  return JSON.stringify([service, endpoint]);
}

function reporterOf({ host, process }: Reporter): string {
  return JSON.stringify([host, process]);
}
