/** One acknowledgement; `multiple`: of all up to this tag that are not settled yet. */
export interface TagsAck {
  readonly tag: number;
  readonly multiple: boolean;
}

/**
 * The delivery tags of one AMQP channel as they come, in their order, and are settled, in any: so that one acknowledgement stands
 * for as many as may be. Holds no more than what is unsettled, which the prefetch of the channel bounds, and what is to be told.
 */
export class SettledTags {
  readonly #open = new Set<number>();
  #waiting: number[] = [];

  came(tag: number): void {
    this.#open.add(tag);
  }

  ack(tag: number): void {
    this.#open.delete(tag);
    this.#waiting.push(tag);
  }

  /** It was settled otherwise. */
  without(tag: number): void {
    this.#open.delete(tag);
  }

  /** What is to be acknowledged now. The server must know each tag that it is told, so the highest that waits stands for those below. */
  take(): readonly TagsAck[] {
    const [lowest = Infinity] = this.#open;
    const acks: TagsAck[] = [];
    let highest = 0;
    let below = 0;
    for (const tag of this.#waiting)
      if (tag > lowest) acks.push({ tag, multiple: false });
      else {
        highest = Math.max(highest, tag);
        below++;
      }
    this.#waiting = [];
    if (below > 0) acks.push({ tag: highest, multiple: below > 1 });
    return acks;
  }
}
