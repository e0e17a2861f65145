import { SojournQueue, type SojournQueueOptions } from "../../resilience/sojourn-queue.ts";
import type { Entry } from "./entry.ts";

/** The lane of requests that name none. */
const mainLane = "main";

/** Lanes that are told apart; further ones share a place. Callers name them, so there must be a bound. */
const lanesMax = 32;

/** A lane that nobody has used for so long gives up its place, in milliseconds. */
const idleMs = 60_000;

/** What one swim lane has under way, and who of it waits. */
export class Lane {
  readonly name: string;
  readonly queue: SojournQueue<Entry<Lane>>;
  /** Calls and notifications. */
  inFlight = 0;
  /** Streams, uploads and duplexes. */
  lasting = 0;
  refused = 0;
  seenAt = 0;

  constructor(name: string, queue: SojournQueueOptions) {
    this.name = name;
    this.queue = new SojournQueue(queue);
  }
}

/** The lanes of a server, and which part each is sure of. */
export class Lanes {
  readonly main: Lane;
  readonly #parts: ReadonlyMap<string, number> | undefined;
  readonly #queue: SojournQueueOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Where those stand for which there is no room. */
  readonly #others: Lane;
  /** Who was given a place last, so that all have turns. */
  #turn = 0;

  constructor(parts: Readonly<Record<string, number>>, queue: SojournQueueOptions) {
    const named = new Map(Object.entries(parts));
    this.#parts = named.size === 0 ? undefined : named;
    this.#queue = queue;
    this.main = this.#add(mainLane);
    this.#others = new Lane("(others)", queue); // no caller can name it so
    for (const name of named.keys()) if (name !== mainLane) this.#add(name);
  }

  of(name: string | undefined, now: number): Lane {
    if (name === undefined) return this.main;
    const lane = this.#lanes.get(name) ?? this.#found(name, now);
    lane.seenAt = now;
    return lane;
  }

  /** How much of `limit` the lane gets even when the server is full. */
  share(lane: Lane, limit: number): number {
    if (this.#parts === undefined) return limit / this.#lanes.size;
    return limit * (this.#parts.get(lane.name) ?? 0);
  }

  /** All of them, beginning with another one each time. */
  *inTurn(): Generator<Lane> {
    const all = this.all();
    const first = this.#turn++ % all.length;
    for (let i = 0; i < all.length; i++) yield all[(first + i) % all.length]!;
  }

  /** Those that somebody has used, or could. */
  seen(): Lane[] {
    const { inFlight, lasting, queue, refused } = this.#others;
    const used = inFlight + lasting + queue.size + refused > 0;
    return used ? this.all() : [...this.#lanes.values()];
  }

  all(): Lane[] {
    return [...this.#lanes.values(), this.#others];
  }

  #found(name: string, now: number): Lane {
    for (const { name: other, inFlight, lasting, queue, seenAt } of this.#lanes.values()) {
      if (other === mainLane || this.#parts?.has(other) === true) continue;
      if (inFlight + lasting + queue.size === 0 && now - seenAt > idleMs) this.#lanes.delete(other);
    }
    return this.#lanes.size < lanesMax ? this.#add(name) : this.#others;
  }

  #add(name: string): Lane {
    const lane = new Lane(name, this.#queue);
    this.#lanes.set(name, lane);
    return lane;
  }
}
