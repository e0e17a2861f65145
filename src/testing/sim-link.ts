import type { Random } from "../base/random.ts";
import type { SimEnv } from "./sim-env.ts";

/** How much longer than the mean something takes at most. */
const longestFactor = 10;

/** How long what is sent takes: from `minMs` to ten times `meanMs`, which is about the mean, exponentially distributed. */
export interface Latency {
  readonly minMs: number;
  readonly meanMs: number;
}

/** The way from one node to another. The way back is another one, so that a partition can be one-sided. */
export class SimLink {
  latency: Latency;
  readonly #random: Random;
  readonly #pipes = new Set<SimPipe>();
  #open = true;

  constructor(latency: Latency, random: Random) {
    this.latency = latency;
    this.#random = random;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Nothing arrives any more, and nothing is lost: it waits for `heal`, as behind a cable that was pulled. */
  sever(): void {
    this.#open = false;
  }

  heal(): void {
    if (this.#open) return;
    this.#open = true;
    for (const pipe of this.#pipes) pipe.proceed();
  }

  /** How long the next parcel takes. */
  delayMs(): number {
    const { minMs, meanMs } = this.latency;
    if (meanMs <= minMs) return minMs;
    const delayMs = minMs - (meanMs - minMs) * Math.log(1 - this.#random());
    return Math.min(delayMs, longestFactor * meanMs);
  }

  /** A direction of a connection over this link. */
  pipe(to: SimEnv): SimPipe {
    const pipe = new SimPipe(this, to, () => this.#pipes.delete(pipe));
    this.#pipes.add(pipe);
    return pipe;
  }
}

interface Parcel {
  readonly at: number;
  readonly open: () => void;
}

/** One direction of a connection: parcels arrive in the order in which they were sent, each opened by the node at its end. */
export class SimPipe {
  readonly #link: SimLink;
  readonly #to: SimEnv;
  readonly #onClose: () => void;
  #parcels: Parcel[] = [];
  #lastAt = 0;
  #expected = false;
  #silent = false;

  constructor(link: SimLink, to: SimEnv, onClose: () => void) {
    this.#link = link;
    this.#to = to;
    this.#onClose = onClose;
  }

  /** Parcels on their way. */
  get size(): number {
    return this.#parcels.length;
  }

  send(open: () => void): void {
    if (this.#silent) return;
    this.#lastAt = Math.max(this.#lastAt, this.#to.world.now + this.#link.delayMs());
    this.#parcels.push({ at: this.#lastAt, open });
    this.#expect();
  }

  /** From now on nothing arrives, and nobody is told: the other end of a half-open connection. */
  silence(): void {
    this.#silent = true;
    this.#parcels = [];
    this.#onClose();
  }

  /** The link is open again. */
  proceed(): void {
    this.#expect();
  }

  #expect(): void {
    const first = this.#parcels[0];
    if (this.#expected || first === undefined || !this.#link.open) return;
    this.#expected = true;
    this.#to.in(first.at - this.#to.world.now, () => this.#arrive());
  }

  /** One parcel for each turn of the node, as a socket's chunks are read. */
  #arrive(): void {
    this.#expected = false;
    if (!this.#link.open) return;
    this.#parcels.shift()?.open();
    this.#expect();
  }
}
