import type { ConsumerTerms, Handed, QueueConsumer } from "./consumer.ts";
import type { Message } from "./message.ts";
import type { Row } from "./storage.ts";
import type { QueueTerms } from "./terms.ts";
import type { Timed } from "./queue/timers.ts";

/** A lane, as far as others see it. */
export interface LaneFigures {
  readonly number: number;
  /** What its next message will be. */
  readonly next: number;
  /** Messages that could be delivered. */
  readonly ready: number;
}

/** A message that was taken by who is no consumer. */
export interface Taken {
  readonly handed: Handed;
  /** Messages that are still ready. */
  readonly remaining: number;
  /** Who settles it. */
  readonly by: QueueConsumer;
}

/** What queues and logs have in common. */
export interface AnyQueue {
  readonly name: string;
  /** Other bounds and times may be set; what it is made of stays. */
  terms: QueueTerms;
  /** Where its messages are. */
  readonly lanes: readonly LaneFigures[];
  readonly consumers: readonly QueueConsumer[];
  /** Messages that could be delivered now; of a log: that are kept. */
  readonly ready: number;
  /** Messages with consumers. */
  readonly unsettled: number;
  /** Messages that are held back until their time. */
  readonly held: number;
  readonly count: number;
  readonly bytes: number;
  /** Takes a message, not to be delivered before an instant where one is given. False: there is no place for it. */
  publish(message: Message, notBefore?: number): boolean;
  /** Whether a message is written for good. */
  stores(message: Message): boolean;
  /** Whether somebody wants to be the only one is for the virtual host to see. @throws Refusal when there are too many. */
  consume(terms: ConsumerTerms): QueueConsumer;
  /** The next message for who is no consumer. @throws Refusal of a log. */
  take(): Promise<Taken | undefined>;
  /** Gives consumers that have room what is there. */
  pump(): void;
  /** The time of a message has come. */
  due(timed: Timed): void;
  /** Forgets all that waits; with `held` what is held back too. Gives back how many were ready. */
  purge(held?: boolean): number;
  /** It is gone, and its consumers are told. */
  drop(reason: string): void;
  /** The first messages, whoever has them, oldest first; they stay. */
  browse(limit: number): Promise<readonly Row[]>;
}
