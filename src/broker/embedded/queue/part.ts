import type { Lane } from "./lane.ts";

/** A part of a queue: all of it, the messages of one priority, or a shard that one consumer at a time has. */
export class Part {
  readonly index: number;
  readonly name: string;
  readonly lane: Lane;
  /** Of a shard. Rises each time that it changes hands. */
  generation = 0;

  constructor(index: number, lane: Lane) {
    this.index = index;
    this.name = String(index);
    this.lane = lane;
  }
}
