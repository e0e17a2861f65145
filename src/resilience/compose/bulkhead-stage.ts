import type { TrunklineError } from "../../base/error.ts";
import { boundedWhole } from "../bounded.ts";
import { Bulkhead, type BulkheadOptions } from "../bulkhead.ts";
import { Hold, type Cancellable, type Scope } from "./scope.ts";
import { refused, type Stage } from "./stage.ts";

export interface BulkheadStageOptions extends BulkheadOptions {
  /** Calls that may wait for room, 0 to 100,000. Default 0: who finds no room is refused at once. */
  readonly queue?: number;
}

/**
 * Bounds what is under way at once, in all and for each lane. Room is given back when the work has really ended, not when nobody waits for it
 * any more: what ignores its signal still takes room.
 */
export function bulkhead(options: BulkheadStageOptions = {}): Stage {
  const queueMax = boundedWhole("bulkhead queue", options.queue ?? 0, 0, 100_000);
  return {
    name: "bulkhead",
    build() {
      const room = new Room(new Bulkhead(options), queueMax);
      return {
        wrap: (inner) => async (input, scope, outer) => {
          if (!room.tryEnter(scope.lane)) await room.wait(scope);
          const hold = new Hold(outer);
          try {
            return await inner(input, scope, hold);
          } finally {
            hold.whenIdle(() => room.leave(scope.lane));
          }
        },
        state: () => ({ inFlight: room.machine.inFlight, queued: room.queued }),
      };
    },
  };
}

class Room {
  readonly machine: Bulkhead;
  readonly #queueMax: number;
  /** In the order of their coming. */
  readonly #waiting = new Set<Waiting>();

  constructor(machine: Bulkhead, queueMax: number) {
    this.machine = machine;
    this.#queueMax = queueMax;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  tryEnter(lane: string): boolean {
    return this.machine.tryAcquire(lane);
  }

  /** Resolves when it has got room; leaves the queue at once when the call is given up. */
  wait(scope: Scope): Promise<void> {
    if (scope.failure !== undefined) return Promise.reject(scope.failure);
    if (this.#waiting.size >= this.#queueMax) return Promise.reject(this.#full(scope.lane));
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(scope, this.#waiting, resolve, reject);
      this.#waiting.add(waiting);
      scope.bind(waiting);
    });
  }

  leave(lane: string): void {
    this.machine.release(lane);
    for (const waiting of this.#waiting) {
      if (!this.machine.tryAcquire(waiting.scope.lane)) continue;
      waiting.enter();
      return;
    }
  }

  #full(lane: string): TrunklineError {
    const { inFlight } = this.machine;
    const queued = this.#queueMax === 0 ? "" : `, and ${this.#waiting.size} wait`;
    return refused(
      "bulkhead",
      `${inFlight} calls are under way, ${this.machine.inFlightOf(lane)} of the lane "${lane}"${queued}`,
      "call less at once, or give bulkhead() more room",
    );
  }
}

class Waiting implements Cancellable {
  readonly scope: Scope;
  readonly #queue: Set<Waiting>;
  readonly #resolve: () => void;
  readonly #reject: (failure: TrunklineError) => void;

  constructor(
    scope: Scope,
    queue: Set<Waiting>,
    resolve: () => void,
    reject: (failure: TrunklineError) => void,
  ) {
    this.scope = scope;
    this.#queue = queue;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  enter(): void {
    this.#queue.delete(this);
    this.scope.unbind(this);
    this.#resolve();
  }

  cancel(failure: TrunklineError): void {
    this.#queue.delete(this);
    this.#reject(failure);
  }
}
