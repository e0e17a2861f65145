import { ok } from "node:assert/strict";
import { inspect } from "node:util";
import { uuidv7 } from "../../base/id.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Outgoing,
  Receipt,
  Subscription,
} from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";

/** What a make of broker is tried with. */
export interface BrokerSubject {
  readonly capabilities: BrokerCapabilities;
  readonly env: () => Env;
  /** A server of one's own, or a place of one's own on a shared one: channels that begin with `prefix` are nobody else's. */
  readonly stand: () => Promise<BrokerStand>;
}

/** What a subject can do to the server. Absent: it cannot. */
export interface BrokerStand {
  /** Begins the names of channels and reply boxes: letters, digits and dashes. */
  readonly prefix: string;
  /** Another user of the same broker, as another process would be. */
  open(name: string): Promise<Broker>;
  /** The server is killed, and starts again with what it has stored. */
  readonly restart?: () => Promise<void>;
  /** All connections are lost, and can be made again at once. */
  readonly cut?: () => Promise<void>;
  close(): Promise<void>;
}

/** One sentence about brokers, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities for which it holds. Default: all. */
  readonly when?: (capabilities: BrokerCapabilities) => boolean;
  /** What it has to do to the server. Default: nothing. */
  readonly grip?: "restart" | "cut";
  readonly play: (stage: Stage) => Promise<void>;
}

/** What one consumer was given. */
export class Hearing {
  readonly deliveries: Delivery[] = [];
  consumer: Consumer | undefined;
  #waiting: (() => void)[] = [];

  readonly take = (batch: readonly Delivery[]): void => {
    this.deliveries.push(...batch);
    for (const look of this.#waiting.splice(0)) look();
  };

  /** Resolves when it was given so many in all. A watchdog ends what never comes. */
  async until(count: number): Promise<readonly Delivery[]> {
    while (this.deliveries.length < count)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.deliveries;
  }

  /** The texts that it was given, in their order. */
  get texts(): string[] {
    return this.deliveries.map(({ envelope }) => textOf(envelope));
  }
}

export function textOf({ data }: Pick<Envelope, "data">): string {
  return Buffer.from(data).toString();
}

/** One broker of the subject, for one case. */
export class Stage {
  readonly env: Env;
  readonly stand: BrokerStand;
  readonly capabilities: BrokerCapabilities;
  readonly #brokers: Broker[] = [];
  #names = 0;

  static async set(subject: BrokerSubject, play: Case["play"]): Promise<void> {
    const stand = await subject.stand();
    const stage = new Stage(subject, stand);
    try {
      await play(stage);
    } finally {
      await Promise.all(stage.#brokers.map((broker) => broker.close()));
      await stand.close();
    }
  }

  private constructor(subject: BrokerSubject, stand: BrokerStand) {
    this.env = subject.env();
    this.capabilities = subject.capabilities;
    this.stand = stand;
  }

  async open(): Promise<Broker> {
    const broker = await this.stand.open(`user-${this.#brokers.length}`);
    this.#brokers.push(broker);
    return broker;
  }

  /** A channel that nobody else uses, as this broker can have it. */
  channel(terms: Partial<Channel> = {}): Channel {
    const guarantee = this.capabilities.guarantees.includes("at-least-once")
      ? "at-least-once"
      : "at-most-once";
    return channel({
      shape: this.capabilities.queues === false ? "topic" : "queue",
      guarantee,
      shards: 4,
      ...terms,
      name: `${this.stand.prefix}.${this.#names++}`,
    });
  }

  envelope(text: string, terms: Partial<Envelope> = {}): Envelope {
    return {
      id: uuidv7(this.env),
      type: "suite.said",
      source: "/suite",
      subject: undefined,
      time: Math.floor(this.env.wall()),
      contentType: "text/plain",
      attributes: {},
      data: Buffer.from(text),
      ...terms,
    };
  }

  outgoing(
    to: Channel,
    text: string,
    terms: Partial<Envelope> & Partial<Pick<Outgoing, "to" | "notBefore" | "priority">> = {},
  ): Outgoing {
    const { to: group, notBefore, priority, ...envelope } = terms;
    return { channel: to, envelope: this.envelope(text, envelope), to: group, notBefore, priority };
  }

  /** Publishes all, and expects a receipt for each. */
  async publish(broker: Broker, messages: readonly Outgoing[]): Promise<readonly Receipt[]> {
    const outcomes = await broker.publish(messages);
    return outcomes.map((outcome) => {
      if (isTrunklineError(outcome)) throw outcome;
      return outcome;
    });
  }

  async consume(
    broker: Broker,
    terms: Partial<Subscription> & Pick<Subscription, "channel">,
    each?: (delivery: Delivery) => void,
  ): Promise<Hearing> {
    const hearing = new Hearing();
    hearing.consumer = await broker.consume(
      { group: undefined, prefetch: 100, ...terms },
      (batch) => {
        hearing.take(batch);
        if (each !== undefined) batch.forEach(each);
      },
    );
    return hearing;
  }
}

/** The error that a promise rejects with, which must be ours. */
export async function refusal(of: Promise<unknown>): Promise<TrunklineError> {
  const outcome = await of.then(
    () => undefined,
    (error: unknown) => error,
  );
  ok(isTrunklineError(outcome), `it did not reject with a TrunklineError: ${inspect(outcome)}`);
  return outcome;
}
