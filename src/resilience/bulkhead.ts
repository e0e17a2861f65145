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
  /** Only lanes with work under way: as many as that at most, whatever callers name. */
  readonly #inLane = new Map<string, number>();
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
    return this.#inLane.get(lane) ?? 0;
  }

  /** What is under way, by lane; lanes with nothing under way are left out. */
  lanes(): Record<string, number> {
    return Object.fromEntries(this.#inLane);
  }

  /** True: it may begin. To be released once, with the same lane. */
  tryAcquire(lane: string): boolean {
    const inLane = this.inFlightOf(lane);
    if (this.#inFlight >= this.#max || inLane >= (this.#lanes.get(lane) ?? this.#laneMax))
      return false;
    this.#inFlight++;
    this.#inLane.set(lane, inLane + 1);
    return true;
  }

  release(lane: string): void {
    const inLane = this.inFlightOf(lane);
    if (inLane === 0) return; // released twice
    this.#inFlight--;
    if (inLane === 1) this.#inLane.delete(lane);
    else this.#inLane.set(lane, inLane - 1);
  }
}
