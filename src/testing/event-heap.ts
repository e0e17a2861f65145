/** Where an event happens: one life of a node. */
export interface Place {
  /** False when nothing happens there any more. */
  readonly alive: boolean;
  /** True while it stands still. */
  readonly paused: boolean;
  /** Keeps an event until it goes on. */
  hold(event: WorldEvent): void;
}

/** Something that happens at one instant of a world. */
export class WorldEvent {
  /** Milliseconds of the world's clock. */
  at: number;
  /** Among events of one instant the one that was planned first happens first. */
  sequence: number;
  /** Undefined for what is done to the world. */
  readonly place: Place | undefined;
  /** An alarm clock, which a node that was paused looks at before it reads its input. */
  readonly timer: boolean;
  /** Undefined when it was called off. */
  work: (() => void) | undefined;

  constructor(
    at: number,
    sequence: number,
    place: Place | undefined,
    timer: boolean,
    work: () => void,
  ) {
    this.at = at;
    this.sequence = sequence;
    this.place = place;
    this.timer = timer;
    this.work = work;
  }

  cancel(): void {
    this.work = undefined;
  }
}

/** A binary heap of events by time, then by sequence. */
export class EventHeap {
  readonly #events: WorldEvent[] = [];

  get size(): number {
    return this.#events.length;
  }

  /** The next event, left where it is. */
  get first(): WorldEvent | undefined {
    return this.#events[0];
  }

  push(event: WorldEvent): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, events[parent]!)) break;
      events[index] = events[parent]!;
      index = parent;
    }
    events[index] = event;
  }

  pop(): WorldEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (events.length > 0) this.#sink(last!);
    return first;
  }

  /** Puts `event` at the top and lets it sink to its place. */
  #sink(event: WorldEvent): void {
    const events = this.#events;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && before(events[child + 1]!, events[child]!)) child++;
      if (!before(events[child]!, event)) break;
      events[index] = events[child]!;
      index = child;
    }
    events[index] = event;
  }
}

function before(left: WorldEvent, right: WorldEvent): boolean {
  return left.at < right.at || (left.at === right.at && left.sequence < right.sequence);
}
