import { boundedWhole } from "./bounded.ts";

export interface BulkheadOptions {
  /** Pieces of work under way together, over all lanes, 1 to 1,000,000. Default 1,024 (Envoy). */
  readonly max?: number;
  /** The same for each lane that `lanes` does not name. Default: `max`. */
  readonly laneMax?: number;
  /** The same for single lanes. Default: none is named. */
  readonly lanes?: Readonly<Record<string, number>>;
}

/** Bounds how much is under way at once, in all and for each swim lane. It has no queue: what finds no room is refused at once. */
export class Bulkhead {
  readonly #max: number;
  readonly #laneMax: number;
  readonly #lanes: ReadonlyMap<string, number>;
  /** Only lanes with work under way, and the one that was asked for last: as many as that at most, whatever callers name. */
  readonly #inLane = new Map<string, Lane>();
  #last: Lane | undefined;
  #inFlight = 0;

  constructor(options: BulkheadOptions) {
    this.#max = boundedWhole("bulkhead max", options.max ?? 1_024, 1, 1_000_000);
    this.#laneMax = boundedWhole("bulkhead laneMax", options.laneMax ?? this.#max, 1, 1_000_000);
    const named = Object.entries(options.lanes ?? {});
    for (const [lane, max] of named) boundedWhole(`bulkhead lanes.${lane}`, max, 0, 1_000_000);
    this.#lanes = new Map(named);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  inFlightOf(lane: string): number {
    return this.#inLane.get(lane)?.inFlight ?? 0;
  }

  /** What is under way, by lane; lanes with nothing under way are left out. */
  lanes(): Record<string, number> {
    const busy = [...this.#inLane.values()].filter(({ inFlight }) => inFlight > 0);
    return Object.fromEntries(busy.map(({ name, inFlight }) => [name, inFlight]));
  }

  /** True: it may begin. To be released once, with the same lane. */
  tryAcquire(lane: string): boolean {
    const own = this.#laneOf(lane);
    if (this.#inFlight >= this.#max || own.inFlight >= own.max) return false;
    this.#inFlight++;
    own.inFlight++;
    return true;
  }

  release(lane: string): void {
    const own = this.#laneOf(lane);
    if (own.inFlight === 0) return; // released twice
    this.#inFlight--;
    own.inFlight--;
  }

  /** Nearly all requests are of one lane: it is not looked up again, and stays though nothing of it is under way. */
  #laneOf(name: string): Lane {
    const last = this.#last;
    if (last !== undefined && last.name === name) return last;
    if (last?.inFlight === 0) this.#inLane.delete(last.name);
    let lane = this.#inLane.get(name);
    if (lane === undefined) {
      lane = { name, max: this.#lanes.get(name) ?? this.#laneMax, inFlight: 0 };
      this.#inLane.set(name, lane);
    }
    return (this.#last = lane);
  }
}

interface Lane {
  readonly name: string;
  readonly max: number;
  inFlight: number;
}
