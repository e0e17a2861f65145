import { Alarm } from "./timer-wheel.ts";

/** What is needed of the surroundings: they are an `Env`. */
export interface PulseHost {
  now(): number;
  set(alarm: Alarm, dueMs: number): void;
  clear(alarm: Alarm): void;
  yield(work: () => void): void;
}

/** How often the process looks whether it stood still, while it is asked for anything, in milliseconds. */
const busyBeatMs = 25;

/** And while it is not: each look wakes it up. */
const idleBeatMs = 100;

/** A turn that begins later than this is a stall, in milliseconds. */
export const stallMs = 50;

/** How long what has piled up is read before any of it is begun, in milliseconds; who has still to send some does so meanwhile. */
const drainMs = 8;

/** Turns of the event loop without a request after which all has been read: to accept, to read, and to hear of an end takes one each. */
const quietTurns = 8;

/** The longest that it is read for, in milliseconds: what comes all the time is no pile. */
const drainMsMax = 100;

/** What has piled up while the process stood still, from then until it has been read. */
export class Stall extends Alarm {
  readonly lengthMs: number;
  /** Resolves when the pile has been read. */
  readonly read: Promise<void>;
  /** Turns since the last request was read. */
  quiet = 0;
  readonly #env: PulseHost;
  readonly #until: number;
  readonly #over: () => void;
  #ended = false;

  constructor(lengthMs: number, env: PulseHost, over: () => void) {
    super();
    this.lengthMs = lengthMs;
    this.#env = env;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.read = promise;
    this.#over = () => {
      this.#ended = true;
      over();
      resolve();
    };
    const now = env.now();
    this.#until = now + drainMsMax;
    env.set(this, now + drainMs);
  }

  ring(): void {
    this.quiet = 0;
    this.#env.yield(this.#turn);
  }

  /** Nobody reads any more. */
  end(): void {
    this.#env.clear(this);
    this.#over();
  }

  readonly #turn = (): void => {
    if (this.#ended) return;
    if (++this.quiet > quietTurns || this.#env.now() >= this.#until) this.#over();
    else this.#env.yield(this.#turn);
  };
}

/**
 * Notices that the process stood still (stopped, or busy with one thing): then what is in its sockets is of any age, and
 * what was given up meanwhile stands behind what asked for it. A beat that comes late tells, and so does whoever looks at
 * the clock before the beat does. A stall is noticed for certain when it is longer than 75 ms, and 150 ms where nothing was
 * asked for just before.
 */
export class Pulse {
  readonly #env: PulseHost;
  readonly #beats: ((everyMs: number) => void) | undefined;
  #holders = 0;
  #everyMs = 0;
  /** Something was asked for since the last beat. */
  #asked = false;
  /** The instant from which on the next beat is late. */
  #lateAt = Infinity;
  #stall: Stall | undefined;

  /**
   * `beats`: from now on calls `beat` so often, and no more at 0. Undefined: who makes time go on says how long it stood
   * still.
   */
  constructor(env: PulseHost, beats?: (everyMs: number) => void) {
    this.#env = env;
    this.#beats = beats;
  }

  /** Somebody wants to know, until `release`. */
  hold(): void {
    if (this.#holders++ > 0) return;
    if (this.#beats !== undefined) this.beat();
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#stall?.end();
    this.#beats?.(0);
    this.#everyMs = 0;
    this.#lateAt = Infinity;
  }

  beat(): void {
    const now = this.#env.now();
    if (now >= this.#lateAt) this.stood(now - this.#lateAt + stallMs);
    const everyMs = this.#asked ? busyBeatMs : idleBeatMs;
    this.#asked = false;
    this.#lateAt = now + everyMs + stallMs;
    if (everyMs === this.#everyMs) return;
    this.#everyMs = everyMs;
    this.#beats?.(everyMs);
  }

  /** The process stood still for so long, until now. */
  stood(lengthMs: number): void {
    if (this.#holders === 0 || this.#stall !== undefined) return;
    this.#stall = new Stall(lengthMs, this.#env, () => (this.#stall = undefined));
  }

  /** What has piled up and is being read at `now`; undefined, as nearly always, when nothing has. */
  pile(now: number): Stall | undefined {
    this.#asked = true;
    if (now >= this.#lateAt) this.beat();
    const stall = this.#stall;
    if (stall !== undefined) stall.quiet = 0;
    return stall;
  }
}
