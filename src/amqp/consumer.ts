import type {
  ConsumerTerms,
  Handed,
  LogStart,
  QueueConsumer,
} from "../broker/embedded/consumer.ts";

/** What a consumer asks of its channel. */
export interface ConsumerKeeper {
  /** How many more deliveries the channel takes now. */
  room(): number;
  deliver(consumer: Consumer, handed: Handed): void;
  gone(consumer: Consumer): void;
}

/** What is added to the headers of deliveries: of a stream their offset, of a quorum queue how often they came already. */
export type Stamp = "offset" | "count" | undefined;

export interface ConsumerOptions {
  readonly tag: string;
  readonly user: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly from: LogStart | undefined;
  /** So many of its deliveries may be unsettled; 0: any number. */
  readonly prefetch: number;
  readonly stamp: Stamp;
}

/** One consumer of a channel, as its queue sees it. */
export class Consumer implements ConsumerTerms {
  readonly tag: string;
  readonly user: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly from?: LogStart;
  readonly prefetch: number;
  readonly stamp: Stamp;
  /** The one of its queue; there from when it has begun. */
  member!: QueueConsumer;
  /** Deliveries that are not settled. */
  unsettled = 0;
  /** It was told that it consumes: only then anything comes. */
  begun = false;
  readonly #keeper: ConsumerKeeper;

  constructor(options: ConsumerOptions, keeper: ConsumerKeeper) {
    ({
      tag: this.tag,
      user: this.user,
      noAck: this.noAck,
      exclusive: this.exclusive,
      priority: this.priority,
      prefetch: this.prefetch,
      stamp: this.stamp,
    } = options);
    if (options.from !== undefined) this.from = options.from;
    this.#keeper = keeper;
  }

  room(): number {
    if (!this.begun) return 0;
    const room = this.#keeper.room();
    // Who does not acknowledge has no limit but the channel's.
    if (this.prefetch === 0 || this.noAck) return room;
    return Math.min(room, this.prefetch - this.unsettled);
  }

  deliver(handed: Handed): void {
    this.#keeper.deliver(this, handed);
  }

  cancelled(): void {
    this.#keeper.gone(this);
  }
}
