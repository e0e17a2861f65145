import type { Delivery } from "../broker/broker.ts";
import type { FailureNote } from "./work.ts";

/** What becomes of messages that a consumer gives up. One for each consumer and group. */
export interface DeadLetters {
  /** Resolves when it is known which keys of the shard are blocked; nothing of the shard is handled before. */
  assigned(shard: string): Promise<void>;
  /** True: an earlier message of its key is dead, and this one was not redriven: it goes there too. */
  blocks(delivery: Delivery): boolean;
  /**
   * Keeps it with the dead letters, then acks it: confirmed before acked, or both in one transaction. Tries until it is done: later ones of its
   * key must not overtake it. Rejects when the message belongs to somebody else by now, or this is closed: then it comes again.
   */
  bury(
    delivery: Delivery,
    failures: {
      readonly first: FailureNote;
      readonly last: FailureNote;
      readonly attempts: number;
    },
  ): Promise<void>;
  /** Its shard stops for it, and it is tried again. */
  stopped(delivery: Delivery, failure: FailureNote): void;
  /** Nothing more is to be done for it: a redriven one may free its key. */
  handled(delivery: Delivery): void;
  /** A shard belongs to somebody else: what is about to be buried of it is not. */
  lost(shard: string): void;
  /** Keys that wait for a redrive now. */
  blockedKeys(): readonly string[];
  close(): Promise<void>;
}
