/** What a scenario came to, beside what it is to come to. */
export interface Outcome {
  readonly name: string;
  readonly measured: number;
  readonly bound: "≥" | "≤";
  readonly limit: number;
  readonly unit: string;
}

/** Plays a scenario from a seed, in virtual time. `short`: as small as it still shows what it is to show. */
export type Scenario = (seed: number, short: boolean) => Promise<Outcome[]>;

export function met({ measured, bound, limit }: Outcome): boolean {
  return bound === "≥" ? measured >= limit : measured <= limit;
}

/** The value that the share `quantile` of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
