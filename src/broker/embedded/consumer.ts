import type { Message } from "./message.ts";

/** Where a consumer of a log begins: an offset, what is kept, what comes next, the last message, or an instant (milliseconds since 1970). */
export type LogStart = number | "first" | "next" | "last" | { readonly time: number };

/** Who wants messages of a queue or a log, and on which terms. A face (the port, AMQP) makes one. */
export interface ConsumerTerms {
  /** As its own protocol calls it. */
  readonly tag: string;
  /** Whose it is, for people. */
  readonly user: string;
  /** What is delivered is done. */
  readonly noAck: boolean;
  /** Nobody else may consume. */
  readonly exclusive: boolean;
  /** Higher ones are served first while they have room. Default 0. */
  readonly priority?: number;
  /** Of a log. Default `next`. */
  readonly from?: LogStart;
  /**
   * Of a log: it gets messages before they are safe too. For who keeps its place in the same storage, or keeps none: an offset that
   * is kept elsewhere would outlive a message that a crash takes, and hide the one that has it then. Default false.
   */
  readonly early?: boolean;
  /** How many more it takes now: asked before each delivery. When there is room again, it says so by `wake`. */
  room(): number;
  deliver(handed: Handed): void;
  /** Nothing comes any more: the queue is gone. */
  cancelled(reason: string): void;
  /** Whether it wants a message: what no consumer of it wants is done. Default: all. */
  wants?(message: Message): boolean;
  /** Of a divided queue: a shard came to it, before its first delivery. */
  assigned?(shard: string): void;
  /** A shard is to go to another: nothing more of it is delivered; waited for as long as `revokeMs`. */
  revoking?(shard: string): Promise<void>;
  /** A shard is gone, and what was delivered of it is fenced. */
  lost?(shard: string): void;
  /** Default 10,000. */
  readonly revokeMs?: number;
}

/** A message in the hands of a consumer, until it is settled. */
export interface Handed {
  readonly message: Message;
  /** The queue's name. */
  readonly queue: string;
  /** Of a divided queue the number of the shard, else "0". */
  readonly shard: string;
  /** Its place in the lane; of a log the offset. */
  readonly seq: number;
  /** 1 is the first delivery. */
  readonly attempt: number;
  readonly redelivered: boolean;
  /** Rises each time its shard changes hands. */
  readonly generation: number;
  readonly enqueuedAt: number;
}

/** What the face that made the terms holds. A handed message that is settled already, or is fenced, is told by `false`. */
export interface QueueConsumer {
  readonly terms: ConsumerTerms;
  /** Of a divided queue: which it has. */
  readonly shards: readonly string[];
  /** There is room again. */
  wake(): void;
  /** It is done. */
  ack(handed: Handed): boolean;
  /**
   * It is to be delivered again, at its place; not before an instant (milliseconds since 1970) where one is given. `counted`:
   * the delivery came to nothing, and counts as an attempt. Default true.
   */
  release(handed: Handed, notBefore?: number, counted?: boolean): boolean;
  /** It is given up: a dead letter, where the queue has somewhere to send it. */
  reject(handed: Handed): boolean;
  /** Takes nothing more. What is unsettled stays with it, to be settled, until it closes. */
  retire(): void;
  /** Leaves: what is unsettled goes back to its place, counted as an attempt. */
  close(): void;
}
