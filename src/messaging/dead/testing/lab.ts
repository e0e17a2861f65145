import { sleep } from "../../../base/alarm.ts";
import { channels, type DeadLetterEvent } from "../../../base/diagnostics.ts";
import type { Env } from "../../../base/env.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import type { Broker } from "../../../broker/broker.ts";
import { isTrunklineError } from "../../../base/error.ts";
import { channel, type Channel } from "../../../broker/channel.ts";
import type { Envelope } from "../../../broker/envelope.ts";
import { memory } from "../../../broker/memory/index.ts";
import { MessageConsumer } from "../../consumer.ts";
import { consumerTerms } from "../../consumer-terms.ts";
import { noteOf } from "../../failure-note.ts";
import type { ConsumeTerms } from "../../on.ts";
import { reject } from "../../outcome.ts";
import type { Received } from "../../work.ts";
import { deadLetters, type DeadLetter } from "../dead-letter.ts";
import { Parking } from "../parking.ts";
import { redrive, type RedriveReport, type RedriveTerms } from "../redrive.ts";

/** A broker of which one thing or another goes wrong. */
export type Bent = (broker: Broker) => Partial<Broker>;

/** As most brokers are: what is dead is published first, and acked then. */
export const noTransactions: Bent = (broker) => ({
  capabilities: { ...broker.capabilities, transactions: false },
});

const operation = {
  name: "orders.placed",
  kind: "event",
  contract: "orders",
  version: "1.0.0",
} as const;

/** Where a lab works: a broker of some make, and a clock. */
export interface Place {
  readonly env: Env;
  readonly open: () => Promise<Broker>;
  readonly channel: string;
}

/** A broker in memory, in virtual time. */
function virtualPlace(): Place {
  const env = new VirtualEnv();
  const open = (): Promise<Broker> => memory().open("memory:dead", { name: "lab" }, env);
  return { env, open, channel: "orders.1.placed" };
}

/** Consumers over one broker. What they do is said by `failing`. */
export class Lab implements AsyncDisposable {
  readonly env: Env;
  readonly #open: () => Promise<Broker>;
  readonly channel: Channel;
  /** Texts of messages that fail, for good unless they are taken out. */
  readonly failing: Set<string> = new Set();
  /** What was handled, in its order: `GROUP:TEXT`. */
  readonly handled: string[] = [];
  readonly received: Received[] = [];
  readonly events: DeadLetterEvent[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #listen = (event: unknown): void => void this.events.push(event as DeadLetterEvent);
  #publisher: Broker | undefined;
  #published = 0;

  constructor(ordered = true, { env, open, channel: name }: Place = virtualPlace()) {
    this.env = env;
    this.#open = open;
    const groups = ["billing", "fraud"];
    const shards = 4;
    this.channel = channel({ name, shape: "topic", ordered, shards, groups });
    channels.deadLetter.subscribe(this.#listen);
  }

  async broker(bent?: Bent): Promise<Broker> {
    const opened = await this.#open();
    await opened.declare([this.channel]);
    this.#closers.push(() => opened.close());
    if (bent === undefined) return opened;
    const otherwise = bent(opened);
    return new Proxy(opened, {
      get: (target, name) => {
        if (Object.hasOwn(otherwise, name)) return otherwise[name as keyof Broker];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** A process that consumes for a group. */
  async consumer(
    terms: Omit<ConsumeTerms, "group"> & { readonly group?: string; readonly bent?: Bent } = {},
  ): Promise<{ readonly consumer: MessageConsumer; readonly broker: Broker }> {
    const { bent, group = "billing", ...given } = terms;
    const broker = await this.broker(bent);
    const { channel: consumed, env } = this;
    const resolved = consumerTerms({ retry: false, ...given }, undefined, consumed.ordered);
    const consumer = new MessageConsumer({
      broker,
      channel: consumed,
      group,
      operation,
      terms: resolved,
      work: async (received) => {
        this.received.push(received);
        const text = textOf(received.envelope);
        if (this.failing.has(text)) return { kind: "retry", failure: noteOf(new Error(text)) };
        if (text.startsWith("never"))
          return {
            kind: "dead",
            failure: { why: "rejected", code: "rejected", reason: reject("no").reason },
          };
        this.handled.push(`${group}:${text}`);
        return { kind: "done" };
      },
      ended: () => Promise.resolve(),
      dead: new Parking({
        broker,
        channel: consumed,
        group,
        byKey: resolved.dead === "park-key",
        by: "lab",
        letters: resolved.letters,
        env,
      }),
      dataOf: () => undefined,
      env,
    });
    await consumer.start();
    this.#closers.push(() => consumer.stop(0));
    return { consumer, broker };
  }

  /** Publishes texts under a key, one after the other. */
  async publish(key: string | undefined, ...texts: readonly string[]): Promise<void> {
    this.#publisher ??= await this.broker();
    const broker = this.#publisher;
    for (const text of texts) {
      const envelope: Envelope = {
        id: `id-${++this.#published}`,
        type: operation.name,
        source: "/lab",
        subject: key,
        time: this.env.wall(),
        contentType: "text/plain",
        attributes: { colour: "blue" },
        data: new TextEncoder().encode(text),
      };
      const [receipt] = await broker.publish([{ channel: this.channel, envelope }]);
      if (isTrunklineError(receipt)) throw receipt;
    }
    await this.settle();
  }

  /** Texts of the dead letters, in the order in which they would be redriven. */
  async dead(group = "billing"): Promise<string[]> {
    return (await this.letters(group)).map(({ envelope }) => textOf(envelope));
  }

  async letters(group = "billing"): Promise<readonly DeadLetter[]> {
    this.#publisher ??= await this.broker();
    return (await deadLetters(this.#publisher, this.channel.name, group)).letters;
  }

  async redrive(terms: RedriveTerms = {}, bent?: Bent): Promise<RedriveReport> {
    const broker = await this.broker(bent);
    return redrive(broker, this.channel.name, "billing", terms, this.env);
  }

  told(what: DeadLetterEvent["what"]): DeadLetterEvent[] {
    return this.events.filter((event) => event.what === what);
  }

  /** Looks until it is so. */
  async until(reached: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await reached())) await sleep(this.env, 50);
  }

  /** What is on its way arrives. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 30; turns++)
      await new Promise<void>((resolve) => this.env.yield(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
    channels.deadLetter.unsubscribe(this.#listen);
  }
}

export function textOf({ data }: Envelope): string {
  return new TextDecoder().decode(data);
}
