import { isTrunklineError } from "../base/error.ts";
import { bounded, boundedWhole } from "./bounded.ts";

export interface AnswerCacheOptions {
  /** Answers that are kept, 1 to 10,000,000; who was not asked for the longest goes first. Default 1,000. */
  readonly entriesMax?: number;
  /** How long an answer is as good as new, 0 to 86,400,000 ms; 0: never, only callers at the same time share one. Default 5,000. */
  readonly ttlMs?: number;
  /** How long after that it is still better than an error (`stale`), 0 to 604,800,000 ms. Default 0: never. */
  readonly staleMs?: number;
}

interface Entry<V> {
  readonly value: V;
  readonly at: number;
}

/** One load that several wait for. */
interface Flight<V> {
  done: Promise<V> | undefined;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Remembers answers by key, and loads each only once however many ask at the same time. Whoever gives up stops waiting at once, and the load
 * goes on for the others; it is cancelled when nobody waits any more. Failures are not remembered. All callers get the same value: it must
 * not be changed. Its memory is bounded by `entriesMax`, and by the callers who wait.
 */
export class AnswerCache<V> {
  readonly #entriesMax: number;
  readonly #ttlMs: number;
  readonly #staleMs: number;
  /** The first was not asked for the longest. */
  readonly #entries = new Map<string, Entry<V>>();
  readonly #flights = new Map<string, Flight<V>>();

  constructor(options: AnswerCacheOptions = {}) {
    this.#entriesMax = boundedWhole("cache entriesMax", options.entriesMax ?? 1_000, 1, 10_000_000);
    this.#ttlMs = bounded("cache ttlMs", options.ttlMs ?? 5_000, 0, 86_400_000);
    this.#staleMs = bounded("cache staleMs", options.staleMs ?? 0, 0, 604_800_000);
  }

  /** How many answers are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** The answer, when it is as good as new; wrapped, so that `undefined` can be one. */
  fresh(key: string, now: number): { readonly value: V } | undefined {
    return this.#kept(key, now, this.#ttlMs);
  }

  /** The answer, when it is at least better than an error. */
  stale(key: string, now: number): { readonly value: V } | undefined {
    return this.#kept(key, now, this.#ttlMs + this.#staleMs);
  }

  set(key: string, value: V, now: number): void {
    if (this.#ttlMs + this.#staleMs === 0) return;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax)
      this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(key, { value, at: now });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /**
   * The answer that is kept, or else what `load` brings: of those who ask meanwhile only the first one loads. `load` gets a signal of its
   * own, which aborts when nobody waits any more. `signal` ends only the waiting of this caller, who is then rejected with its reason.
   */
  async get(
    key: string,
    load: (signal: AbortSignal) => Promise<V>,
    now: () => number,
    signal?: AbortSignal,
  ): Promise<V> {
    for (;;) {
      signal?.throwIfAborted();
      const kept = this.fresh(key, now());
      if (kept !== undefined) return kept.value;
      const joined = this.#flights.get(key);
      const flight = joined ?? this.#begin(key, load, now);
      try {
        return await waitFor(flight, signal);
      } catch (failure) {
        // The first one's time was over, not ours: one of those who are left loads again.
        if (joined === undefined || signal?.aborted === true || !endedEarly(failure)) throw failure;
      } finally {
        if (--flight.waiting === 0) this.#leave(key, flight);
      }
    }
  }

  #begin(key: string, load: (signal: AbortSignal) => Promise<V>, now: () => number): Flight<V> {
    const flight: Flight<V> = { done: undefined, abort: new AbortController(), waiting: 0 };
    this.#flights.set(key, flight);
    flight.done = this.#load(key, flight, load, now);
    flight.done.catch(() => {}); // when all who waited have left nobody else hears of it
    return flight;
  }

  async #load(
    key: string,
    flight: Flight<V>,
    load: (signal: AbortSignal) => Promise<V>,
    now: () => number,
  ): Promise<V> {
    try {
      const value = await load(flight.abort.signal);
      this.set(key, value, now());
      return value;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  #leave(key: string, flight: Flight<V>): void {
    if (this.#flights.get(key) !== flight) return; // it has ended
    this.#flights.delete(key);
    flight.abort.abort();
  }

  #kept(key: string, now: number, ageMsMax: number): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const age = now - entry.at;
    if (age >= this.#ttlMs + this.#staleMs) this.#entries.delete(key);
    if (age >= ageMsMax) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }
}

function endedEarly(failure: unknown): boolean {
  return (
    isTrunklineError(failure) &&
    (failure.code === "CANCELLED" || failure.code === "DEADLINE_EXCEEDED") &&
    !failure.declared
  );
}

function waitFor<V>(flight: Flight<V>, signal: AbortSignal | undefined): Promise<V> {
  flight.waiting++;
  const done = flight.done!;
  if (signal === undefined) return done;
  const { promise, resolve, reject } = Promise.withResolvers<V>();
  const give = (): void => reject(signal.reason);
  signal.addEventListener("abort", give, { once: true });
  done.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", give));
}
