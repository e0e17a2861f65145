/** What an adaptive limit of work under way may do. Everything has a default. */
export interface GradientLimitOptions {
  /** Never below this. Default 16: as little as keeps one core and its neighbours busy while they wait for each other. */
  readonly min?: number;
  /** What it begins with. Default `max`: nobody is refused before there is evidence. */
  readonly initial?: number;
  /** Never above this. Default 10,000. */
  readonly max?: number;
  /** By which factor work may become slower than usual before the limit falls. Default 1.5. */
  readonly tolerance?: number;
  /** How long one look at the work lasts, in milliseconds. Default 250. */
  readonly windowMs?: number;
}

/** A look with fewer ends than this is prolonged: one slow answer is no trend. */
const samplesMin = 10;

/** Work shorter than this says nothing of load, in milliseconds. */
const trivialMs = 0.5;

/** In how many milliseconds `usual` follows a change, and while the limit is pressed: overload must not become usual. */
const usualMs = 30_000;
const usualPressedMs = 600_000;

/** A look in which so many of the ends were drops lowers the limit, however fast the others were. */
const dropsMax = 0.1;
const dropFactor = 0.9;

/** How long work of one kind usually takes. Kinds differ by orders of magnitude, so that each has its own. */
export class UsualTime {
  /** Milliseconds; 0 before the first sample. */
  ms = 0;
  #samples = 0;
  #seenAt = 0;

  observe(ms: number, now: number, followMs: number): void {
    const passed = now - this.#seenAt;
    this.#seenAt = now;
    // The first few are averaged, after that it is time that counts, not how many there were.
    const share =
      this.#samples < samplesMin ? 1 / ++this.#samples : Math.max(0, passed) / (followMs + passed);
    this.ms += (ms - this.ms) * share;
  }
}

/**
 * How much may be under way at once, learnt from how long it takes: Netflix's Gradient2 (concurrency-limits), changed where
 * that is known to fail. It falls only while it is pressed (more comes than goes, or some had to wait): slower work alone may
 * be a slow neighbour, and refusing would not help it. Work that is dropped lowers it whatever the gradient says (#137), what
 * is usual is kept for each kind of work (#125, #176), nothing is added while it falls (#134), and nobody is refused for the
 * sake of measuring. A pure state machine.
 */
export class GradientLimit {
  readonly #min: number;
  readonly #max: number;
  readonly #tolerance: number;
  readonly #windowMs: number;
  #limit: number;
  #windowEndsAt = -Infinity;
  #begunWith = 0;
  #peak = 0;
  #pressed = false;
  #wasPressed = false;
  #ends = 0;
  #drops = 0;
  #samples = 0;
  #tookMs = 0;
  #usualMs = 0;

  constructor(options: GradientLimitOptions = {}) {
    const { min = 16, max = 10_000, tolerance = 1.5, windowMs = 250 } = options;
    this.#min = Math.min(min, max);
    this.#max = max;
    this.#tolerance = tolerance;
    this.#windowMs = windowMs;
    this.#limit = Math.min(max, Math.max(this.#min, options.initial ?? max));
  }

  /** How much may be under way now; a whole number. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Something had to wait, or was refused, because of the limit. */
  press(): void {
    this.#pressed = true;
  }

  /** Work has ended well, or badly but as itself. `inFlight` counts it still. */
  sample(tookMs: number, usual: UsualTime, inFlight: number, now: number): void {
    if (tookMs >= trivialMs) {
      usual.observe(tookMs, now, this.#wasPressed ? usualPressedMs : usualMs);
      this.#samples++;
      this.#tookMs += tookMs;
      this.#usualMs += usual.ms;
    }
    this.#end(inFlight, now);
  }

  /** Work has run out of time: its answer was of no use any more. */
  drop(inFlight: number, now: number): void {
    this.#drops++;
    this.#end(inFlight, now);
  }

  /** The process itself has too much to do: lowers the limit at once, from what is under way. `factor` is below 1. */
  lower(factor: number, inFlight: number): void {
    this.#limit = Math.max(this.#min, Math.min(this.#limit, Math.max(inFlight, 1)) * factor);
  }

  #end(inFlight: number, now: number): void {
    this.#ends++;
    if (inFlight > this.#peak) this.#peak = inFlight;
    if (now < this.#windowEndsAt || this.#ends < samplesMin) return;
    if (this.#windowEndsAt !== -Infinity) this.#look(inFlight);
    this.#windowEndsAt = now + this.#windowMs;
    this.#begunWith = inFlight;
    this.#wasPressed = this.#pressed;
    this.#pressed = false;
    this.#peak = this.#ends = this.#drops = this.#samples = this.#tookMs = this.#usualMs = 0;
  }

  #look(inFlight: number): void {
    const grown = inFlight - this.#begunWith;
    if (grown >= 5 && grown > this.#begunWith * 0.1) this.#pressed = true;
    const slower = this.#samples === 0 ? 1 : this.#tookMs / this.#usualMs;
    const gradient = Math.max(0.5, Math.min(1, this.#tolerance / slower));
    let limit = this.#limit;
    if (this.#drops >= this.#ends * dropsMax) limit *= dropFactor;
    if (gradient < 1) {
      if (this.#pressed) limit *= (1 + gradient) / 2;
    } else if (limit === this.#limit && this.#peak * 2 >= limit) {
      limit += Math.sqrt(limit);
    }
    this.#limit = Math.min(this.#max, Math.max(this.#min, limit));
  }
}
