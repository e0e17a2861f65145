/** What an adaptive limit of work under way may do. Everything has a default. */
export interface GradientLimitOptions {
  /** Never below this. Default 16: as little as keeps one core and its neighbours busy while they wait for each other. */
  readonly min?: number;
  /** What it begins with; it doubles until it has fallen once. Default 2,000: more than a healthy process has under way. */
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

/** What is usual is told by the mean of at least so many, over at least so many milliseconds. */
const meanOf = 20;
const meanMs = 250;

/** Work shorter than this says nothing of load, in milliseconds. */
const trivialMs = 0.5;

/**
 * In how many milliseconds what is usual follows work that takes less, work that takes more, and work that takes more while
 * the limit is pressed: what an overload takes must not become usual, and what it was thought to take at first may be wrong.
 */
const lessMs = 3_000;
const moreMs = 30_000;
const morePressedMs = 600_000;

/** A look in which so many of the ends were drops lowers the limit, however fast the others were. */
const dropsMax = 0.1;
const dropFactor = 0.9;

/** How long work of one kind usually takes. Kinds differ by orders of magnitude, so that each has its own. */
export class UsualTime {
  /** Milliseconds; undefined before there is enough to tell. */
  ms: number | undefined = undefined;
  #samples = 0;
  #sumMs = 0;
  #since = -Infinity;

  /** The mean of a few is looked at, never a single one: the shortest of them end first, and would stand for all. */
  observe(ms: number, now: number, pressed: boolean): void {
    if (this.#samples++ === 0 && this.#since === -Infinity) this.#since = now;
    this.#sumMs += ms;
    const passed = now - this.#since;
    if (this.#samples < meanOf || passed < meanMs) return;
    const mean = this.#sumMs / this.#samples;
    if (this.ms === undefined) {
      this.ms = mean;
    } else {
      const followMs = mean < this.ms ? lessMs : pressed ? morePressedMs : moreMs;
      this.ms += ((mean - this.ms) * passed) / (followMs + passed);
    }
    this.#samples = this.#sumMs = 0;
    this.#since = now;
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
  #fallen = false;
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
    this.#limit = Math.min(max, Math.max(this.#min, options.initial ?? 2_000));
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
      if (usual.ms !== undefined) {
        this.#samples++;
        this.#tookMs += tookMs;
        this.#usualMs += usual.ms;
      }
      usual.observe(tookMs, now, this.#pressed || this.#wasPressed);
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
    this.#fallen = true;
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
    // A limit that is far above what is under way has to come down to that before it can help.
    if (this.#drops >= this.#ends * dropsMax) limit = Math.min(limit, this.#peak) * dropFactor;
    if (gradient < 1) {
      if (this.#pressed) limit *= (1 + gradient) / 2;
    } else if (limit === this.#limit && this.#peak * 2 >= limit) {
      limit += this.#fallen ? Math.max(Math.sqrt(limit), limit * 0.1) : limit;
    }
    if (limit < this.#limit) this.#fallen = true;
    this.#limit = Math.min(this.#max, Math.max(this.#min, limit));
  }
}
