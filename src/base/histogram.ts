/** Sub-buckets of one octave: a bucket is at most a quarter as wide as its lower end. */
const perOctave = 4;
/** Microseconds up to 2^32, 71 minutes; what takes longer counts into the last bucket, and `maxMs` stays exact. */
const buckets = 31 * perOctave;
const topMicros = 2 ** 32 - 1;

/** What a histogram knows of durations, in milliseconds. All zero where nothing was recorded. */
export interface LatencySummary {
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Durations in fixed memory: log-linear buckets, so that every quantile is right within an eighth of its value. Recording
 * allocates nothing but the 1 kB of buckets, and those only for the first one.
 */
export class Histogram {
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  /** Doubles: 32 bits would be full after some hours of one busy operation. */
  #counts: Float64Array | undefined;

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  record(durationMs: number): void {
    this.#count++;
    this.#sumMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
    const counts = (this.#counts ??= new Float64Array(buckets));
    counts[bucketOf(durationMs)]!++;
  }

  /** The duration that the share `quantile` (0.99) of all did not exceed, within an eighth; never above the maximum. */
  quantileMs(quantile: number): number {
    const counts = this.#counts;
    if (counts === undefined) return 0;
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    let bucket = 0;
    while (bucket < buckets - 1 && seen + counts[bucket]! < rank) seen += counts[bucket++]!;
    return bucket === buckets - 1 ? this.#maxMs : Math.min(middleMs(bucket), this.#maxMs);
  }

  summary(): LatencySummary {
    return {
      meanMs: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p99Ms: this.quantileMs(0.99),
      maxMs: this.#maxMs,
    };
  }

  /** Counts what another one has counted, as if it had been recorded here. */
  add(other: Histogram): void {
    if (other.#counts === undefined) return;
    const counts = (this.#counts ??= new Float64Array(buckets));
    for (let bucket = 0; bucket < buckets; bucket++) counts[bucket]! += other.#counts[bucket]!;
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }
}

/** The first four buckets hold one microsecond each; from there on every octave has four. */
function bucketOf(durationMs: number): number {
  const micros = durationMs * 1_000;
  const whole = micros < topMicros ? micros >>> 0 : topMicros;
  if (whole < perOctave) return whole;
  const exponent = 31 - Math.clz32(whole);
  return (exponent - 1) * perOctave + ((whole >>> (exponent - 2)) & (perOctave - 1));
}

function middleMs(bucket: number): number {
  if (bucket < perOctave) return (bucket + 0.5) / 1_000;
  const width = 2 ** (Math.floor(bucket / perOctave) - 1);
  const from = (perOctave + (bucket % perOctave)) * width;
  return (from + width / 2) / 1_000;
}
