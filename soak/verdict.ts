import type { Figures } from "./figures.ts";

/** What a process held at rest, so many seconds after the load had begun. */
export interface Sample {
  readonly seconds: number;
  readonly figures: Figures;
}

/** One process, or thread, over the run. */
export interface Observed {
  readonly name: string;
  /** At rest between two spells of load. */
  readonly samples: readonly Sample[];
  /** With nothing open, before the load and after it; absent for a thread, which is gone by then. */
  readonly closed?: { readonly first: Figures; readonly last: Figures };
}

/** How a measure went, in bytes. */
export interface Trend {
  /** Medians of the first and of the last third of the samples after the warm-up. */
  readonly first: number;
  readonly last: number;
  /** Median of the slopes between all pairs of samples after the warm-up (Theil and Sen). */
  readonly slopePerMinute: number;
}

/** This share of the samples, the first ones, are warm-up: code is still being optimised, pools still fill. */
const warmShare = 0.25;

/** A heap is judged from so many samples and seconds after the warm-up on: before that it says nothing. */
const samplesMin = 9;
const secondsMin = 60;

/** What may be more in the last third than in the first, of what was there in the first, or in bytes: noise. */
const growthShare = 0.05;
const growthBytes = 1024 * 1024;

/** The same of resident memory: the allocator gives back what and when it wants. */
const residentShare = 0.3;
const residentBytes = 32 * 1024 * 1024;

export function trendOf(samples: readonly Sample[], of: (figures: Figures) => number): Trend {
  const warm = afterWarmUp(samples);
  const values = warm.map(({ figures }) => of(figures));
  const third = Math.max(1, Math.floor(values.length / 3));
  return {
    first: median(values.slice(0, third)),
    last: median(values.slice(-third)),
    slopePerMinute: Math.round(slopeOf(warm, of) * 60),
  };
}

/** What is wrong with what a process held. */
export function leaksOf({ name, samples, closed }: Observed): string[] {
  const found: string[] = [];
  if (closed !== undefined) {
    const { first, last } = closed;
    for (const what of ["descriptors", "handles", "alarms"] as const) {
      if (last[what] > first[what])
        found.push(`${name}: ${first[what]} ${what} before the load, ${last[what]} after it`);
    }
  }
  const warm = afterWarmUp(samples);
  const seconds = (warm.at(-1)?.seconds ?? 0) - (warm[0]?.seconds ?? 0);
  if (warm.length < samplesMin || seconds < secondsMin) return found;
  for (const [what, share, bytes] of [
    ["heap", growthShare, growthBytes],
    ["buffers", growthShare, growthBytes],
    ["rss", residentShare, residentBytes],
  ] as const) {
    const { first, last } = trendOf(samples, (figures) => figures[what]);
    if (last - first > Math.max(bytes, first * share))
      found.push(`${name}: ${what} has grown from ${mebibytes(first)} to ${mebibytes(last)}`);
  }
  return found;
}

function afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length * warmShare));
}

function slopeOf(samples: readonly Sample[], of: (figures: Figures) => number): number {
  const slopes = samples.flatMap((a, index) =>
    samples.slice(index + 1).map((b) => (of(b.figures) - of(a.figures)) / (b.seconds - a.seconds)),
  );
  return median(slopes);
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
