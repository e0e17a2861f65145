import type { TrunklineError } from "../../base/error.ts";
import type { Cancellable } from "../../protocol/attempt.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import { Waiting } from "../../resilience/sojourn-queue.ts";
import type { Demand } from "./demand.ts";

/** A request that waits to be let into its lane. */
export class Entry<Lane> extends Waiting implements Cancellable {
  readonly demand: Demand;
  readonly lane: Lane;
  readonly incoming: Incoming;
  readonly admitted: Promise<Lane>;
  readonly #leave: (entry: Entry<Lane>) => void;
  #resolve!: (lane: Lane) => void;
  #reject!: (refusal: TrunklineError) => void;

  /** `leave`: nobody waits for it any more. */
  constructor(demand: Demand, lane: Lane, incoming: Incoming, leave: (entry: Entry<Lane>) => void) {
    super(Math.min(incoming.deadlineAt, incoming.totalAt));
    this.demand = demand;
    this.lane = lane;
    this.incoming = incoming;
    this.#leave = leave;
    this.admitted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  admit(): void {
    this.#resolve(this.lane);
  }

  refuse(refusal: TrunklineError): void {
    this.#reject(refusal);
  }

  cancel(): void {
    this.#leave(this);
  }
}
