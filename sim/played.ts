/** What one run came to. */
export interface Played {
  readonly seed: number;
  /** Of everything that happened: the same whenever the seed is. */
  readonly hash: string;
  /** What broke a promise; empty when all were kept. */
  readonly violations: readonly string[];
  readonly operations: number;
  readonly events: number;
  readonly failures: Failures;
}

/** What callers were told of work that failed. */
export interface Failures {
  readonly no: number;
  readonly maybe: number;
  readonly yes: number;
}

/** Plays one seed; `tell` hears each line of the trace. */
export type Play = (seed: number, tell?: (line: string) => void) => Promise<Played>;
