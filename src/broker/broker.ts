import type { Env } from "../base/env.ts";
import type { TrunklineError } from "../base/error.ts";
import type { Guarantee } from "../base/guarantee.ts";
import type { Channel, Enqueued } from "./channel.ts";
import type { Envelope } from "./envelope.ts";

/** What a broker promises. Its suite tests each promise, and each refusal. */
export interface BrokerCapabilities {
  /** `key`: messages of one key are delivered in the order of their publishing, while other keys go on. */
  readonly order: "none" | "key";
  readonly guarantees: readonly Guarantee[];
  /** What receipts can mean here. */
  readonly receipts: readonly Enqueued[];
  /** Messages outlive the broker's process. */
  readonly persistent: boolean;
  /**
   * Whether a delivery's `attempt` survives the consumer that made it. `durable`: it counts every delivery; `redelivered`: it
   * only tells the first from the others.
   */
  readonly attempts: "durable" | "redelivered";
  /** A message, new or released, can be held back until an instant, and holds up no other one meanwhile. */
  readonly delay: boolean;
  readonly priority: boolean;
  /** What has expired is not delivered. */
  readonly ttl: boolean;
  /**
   * Messages wait in a queue that is declared, or for a group that is known, while nobody consumes. Without it they reach those
   * who consume at that moment: who comes later has missed them, and a queue that nobody consumes is nowhere to send to.
   */
  readonly keeps: boolean;
  /** Absent: messages can go to everybody who is there for them. False: there are only queues, and topics are refused when they are declared. */
  readonly topics?: false;
  /** Absent: all who consume a channel, or are of a group, share it. False: one of them has all of it, and the others stand by until it is gone. */
  readonly sharing?: false;
  /** Absent: a message can go to one of those who are there for it. False: there are only topics, and queues are refused when they are declared. */
  readonly queues?: false;
  /** Groups share a topic; where `keeps`, they keep their place in it while nobody consumes. */
  readonly groups: boolean;
  /** What was consumed can be consumed again, from an instant or from the beginning. */
  readonly replay: boolean;
  /** What it can leave out by itself, before anything is sent to the consumer. */
  readonly filters: readonly ("type" | "subject" | "attributes")[];
  /** `ack(outputs)`: that a message is done and what came of it are one. */
  readonly transactions: boolean;
  /** A message that nobody is there for is told. */
  readonly mandatory: boolean;
  /** Reply boxes: `durable` ones keep replies for a reader that comes later. */
  readonly replies: "none" | "transient" | "durable";
  /** What waits can be looked at, and stays. */
  readonly browse: boolean;
  /** How far a group is behind is known. */
  readonly lag: boolean;
  /** Of a compacted channel the last message of each key is kept. */
  readonly compaction: boolean;
  /** The largest message in bytes, attributes included. */
  readonly bytesMax: number;
}

/** Opens brokers of one make. */
export interface BrokerFactory {
  /** `rabbitmq`, `kafka`, `memory`. */
  readonly name: string;
  /** The schemes of its addresses, without colon. */
  readonly schemes: readonly string[];
  /** What those that it opens promise, as far as can be said before. */
  readonly capabilities: BrokerCapabilities;
  /**
   * Connects, and connects again by itself when the connection is lost.
   *
   * @throws TrunklineError UNAVAILABLE when nobody answers, UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT.
   */
  open(address: string, options: OpenOptions, env: Env): Promise<Broker>;
}

export interface OpenOptions {
  /** Names this process to the broker and to people: the asker of replies, the member of a group. */
  readonly name: string;
  /** The longest that a receipt, a declaration, or a connection is waited for, in milliseconds. Default 10,000. */
  readonly waitMs?: number;
}

/** Moves envelopes between processes, and keeps them meanwhile. It knows nothing of contracts and calls. */
export interface Broker extends AsyncDisposable {
  readonly name: string;
  /** Where it is, without credentials. */
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  /**
   * Makes what is missing, and leaves alone what is there: resolves with how that differs. Idempotent.
   *
   * @throws TrunklineError UNIMPLEMENTED for a channel that asks for what it cannot promise.
   */
  declare(channels: readonly Channel[]): Promise<readonly Drift[]>;
  /**
   * Publishes, those of one channel and key in their order. Resolves with a receipt or an error for each, in the order given:
   * an error with `executed: "maybe"` where the message may be there. UNAVAILABLE with `executed: "no"` means that nobody is there
   * for it, and with `retryAfterMs` that the broker could not be reached. Rejects only when nothing at all was tried. Waits while
   * the broker wants no more (back pressure).
   */
  publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]>;
  /**
   * Delivers, at most `prefetch` unsettled at a time, until the consumer is closed; connects, declares and subscribes again
   * after a lost connection. What was delivered before that is then fenced.
   */
  consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer>;
  /** Opens a place for replies to what this process asks. */
  replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox>;
  /** Sends to a reply box: resolves when it has the reply, or would have it if it were there. */
  reply(to: string, envelope: Envelope): Promise<void>;
  /** The first `limit` messages that wait for a group (of a queue: undefined), oldest first; they stay where they are. */
  browse(channel: Channel, group: string | undefined, limit: number): Promise<readonly Envelope[]>;
  lag(channel: Channel, group: string | undefined): Promise<Lag>;
  /** Puts a group, of which no member may be running, to another place. */
  reset(channel: Channel, group: string, to: StartAt): Promise<void>;
  /** Closes consumers and reply boxes, waits for what is under way, and leaves. */
  close(): Promise<void>;
}

/** A message to publish, and where. */
export interface Outgoing {
  readonly channel: Channel;
  readonly envelope: Envelope;
  /** To this group alone: what is redriven goes to the consumer that failed. Undefined: to all. */
  readonly to?: string | undefined;
  /** Not to be delivered before this instant, in milliseconds since 1970. */
  readonly notBefore?: number | undefined;
  /** Higher ones go first. Default 0. */
  readonly priority?: number | undefined;
}

export interface Receipt {
  readonly enqueued: Enqueued;
  /** Where it is, as the broker's own tools say it: `orders.1.placed[3]@1742`. Undefined: nobody says. */
  readonly position?: string | undefined;
}

/** How something that is there differs from what was declared; it was left as it is. */
export interface Drift {
  readonly channel: string;
  /** `queue orders.1.placed.billing: x-message-ttl` */
  readonly what: string;
  readonly declared: string;
  readonly found: string;
}

/** From where on: what is kept, what comes now, an instant (milliseconds since 1970). */
export type StartAt = "first" | "new" | number;

export interface Subscription {
  readonly channel: Channel;
  /** The group of a topic. Undefined: of a queue, there is none; of a topic, this consumer alone, from now on, nothing kept. */
  readonly group: string | undefined;
  /** Unsettled deliveries at most. */
  readonly prefetch: number;
  /** Where a group begins that has no place yet, or a consumer without group. Default `new`. */
  readonly from?: StartAt;
  /** What the broker may leave out; only what its capabilities name. */
  readonly filter?: BrokerFilter;
  /** The first member of a group alone consumes, the others wait: order over all keys. Default false. */
  readonly exclusive?: boolean;
  /**
   * A shard goes to another consumer: nothing more of it is delivered. The broker waits for the promise, as long as `revokeMs`,
   * before it lets go; what is settled later is fenced. What had left before may still arrive after this.
   */
  readonly revoking?: (shard: string) => Promise<void>;
  /** A shard is gone: what was delivered of it is fenced, and comes to somebody else. Nothing of that is delivered after this. */
  readonly lost?: (shard: string) => void;
  /** A shard came to this consumer, before its first delivery. */
  readonly assigned?: (shard: string) => void;
  /** Default 10,000. */
  readonly revokeMs?: number;
}

/** Equal to all that is given. */
export interface BrokerFilter {
  readonly type?: string;
  readonly subject?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface Consumer {
  /** The shards that it has now; empty where there are none. */
  readonly shards: readonly string[];
  /** Fetches no more until `resume`; what is prefetched may still come. */
  pause(): void;
  resume(): void;
  /** Fetches no more, lets go of what is unsettled (it comes to somebody else, its attempt counted), and leaves the group. */
  close(): Promise<void>;
}

/** One message on its way to one group. Exactly one of `ack` and `release` settles it. */
export interface Delivery {
  readonly envelope: Envelope;
  /** Why it could not be read, where it could not: then data is what came, and the rest of the envelope what could be made of it. */
  readonly malformed?: string | undefined;
  /** Which delivery of this message to this group it is: 1 is the first. */
  readonly attempt: number;
  readonly redelivered: boolean;
  /** Which part of the channel it came from: those of one shard come in their order, and are revoked together. */
  readonly shard: string;
  /** Rises each time the shard changes hands. */
  readonly generation: number;
  /** Where it is, as the broker's own tools say it. */
  readonly position?: string | undefined;
  /**
   * It is done. With `outputs` (only where `capabilities.transactions`) they are published in the same transaction.
   * May be batched: resolves when the broker would not deliver it again.
   *
   * @throws TrunklineError UNAVAILABLE, `executed: "maybe"`, `gate: "fenced"` when it belongs to somebody else by now, or the
   * connection by which it came is lost: it was, or will be, delivered again.
   */
  ack(outputs?: readonly Outgoing[]): Promise<void>;
  /**
   * It is to be delivered again, its attempt counted: at once, at the head of its shard; or not before an instant
   * (milliseconds since 1970), only where `capabilities.delay`. Rejects as `ack` does.
   */
  release(notBefore?: number): Promise<void>;
}

export interface ReplyTerms {
  /** A durable box, kept under this name for whoever opens it again. Undefined: a transient one, gone with this process. */
  readonly name: string | undefined;
  /** A durable box is read from this instant on, in milliseconds since 1970. Default: now. */
  readonly since?: number;
}

/** Reading a reply takes nothing away: several readers of a durable box each hear all. */
export interface ReplyBox extends AsyncDisposable {
  /** What goes into `replyto`: any process that reaches the broker can send there. Text without secrets. */
  readonly address: string;
  close(): Promise<void>;
}

export interface Lag {
  /** Messages that wait, or are with consumers unsettled. */
  readonly waiting: number;
  readonly shards: readonly ShardLag[];
}

export interface ShardLag {
  readonly shard: string;
  readonly waiting: number;
  /** Who consumes it now, as the broker names it. */
  readonly consumer?: string | undefined;
}
