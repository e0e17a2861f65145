import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Lag,
  OpenOptions,
  Outgoing,
  Receipt,
  ReplyBox,
  ReplyTerms,
  StartAt,
  Subscription,
} from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Client } from "../../call/client-type.ts";
import { detached } from "../../call/served-context.ts";
import type { Place } from "../places.ts";
import type { RemoteBroker as Contract } from "./contract.ts";
import { RemoteBox } from "./remote-box.ts";
import { RemoteConsumer, type RemoteTerms } from "./remote-consumer.ts";
import { Sending } from "./sending.ts";
import { line, readSheet, writeSheet } from "./sheet.ts";
import { envelopeOf, envelopeText, stated } from "./text.ts";

/** The longest that a broker is waited for when nobody says otherwise, in milliseconds. */
const waitMsDefault = 10_000;

export type RemoteClient = Client<typeof Contract> & AsyncDisposable;

/** A broker that another process serves, over a Trunkline connection. */
export class RemoteBroker implements Broker {
  readonly name = "memory";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #client: RemoteClient;
  readonly #terms: RemoteTerms;
  readonly #env: Env;
  readonly #sending: Sending;
  #closing: Promise<void> | undefined;

  /** Asks what it promises. Rejects with UNAVAILABLE when nobody answers. */
  static async open(
    place: Place<RemoteClient>,
    { name, waitMs = waitMsDefault }: OpenOptions,
    env: Env,
  ): Promise<RemoteBroker> {
    const client = place.open();
    try {
      const { capabilities } = await detached(() => client.about(undefined, { deadline: waitMs }));
      const terms = {
        client,
        endpoint: place.address,
        user: name,
        waitMs,
        lasting: new Set<never>(),
      };
      return new RemoteBroker(capabilities, client, terms, env);
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    capabilities: BrokerCapabilities,
    client: RemoteClient,
    terms: RemoteTerms,
    env: Env,
  ) {
    this.address = terms.endpoint;
    this.capabilities = capabilities;
    this.#client = client;
    this.#terms = terms;
    this.#env = env;
    this.#sending = new Sending(terms, env);
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    return (await this.#ask((deadline) => this.#client.declare({ channels }, { deadline }))).drifts;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#refuseClosed();
    return Promise.all(messages.map((message) => this.#sending.publish(message)));
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#refuseClosed();
    return RemoteConsumer.begin(subscription, deliver, this.#terms, this.#env);
  }

  /** `address`: the one that a transient box had before, where its reader comes again by another way. */
  async replies(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    address?: string,
  ): Promise<ReplyBox> {
    this.#refuseClosed();
    return RemoteBox.open({ ...terms, address }, heard, this.#terms, this.#env);
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    const said = line({ to, envelope: envelopeText(envelope) }, [envelope.data]);
    await this.#ask((deadline) => this.#client.reply(writeSheet([said]), { deadline }));
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    const asked = stated({ channel, group, limit });
    return this.#ask(async (deadline) => {
      const envelopes: Envelope[] = [];
      for await (const sheet of this.#client.browse(asked, { deadline }))
        for (const { what, data } of readSheet(sheet)) envelopes.push(envelopeOf(what, data[0]));
      return envelopes;
    });
  }

  lag(channel: Channel, group: string | undefined): Promise<Lag> {
    return this.#ask((deadline) => this.#client.lag(stated({ channel, group }), { deadline }));
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    await this.#ask((deadline) => this.#client.reset({ channel, group, to }, { deadline }));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#terms.lasting].map((each) => each.close()));
    await this.#sending.idle();
    await this.#client[Symbol.asyncDispose]();
  }

  /** On nobody's behalf: what a message or a handler inherits is not the broker's. */
  async #ask<T>(question: (deadline: number) => Promise<T>): Promise<T> {
    this.#refuseClosed();
    return detached(() => question(this.#terms.waitMs));
  }

  #refuseClosed(): void {
    if (this.#closing === undefined) return;
    throw systemError("UNAVAILABLE", "the broker was closed", {
      executed: "no",
      endpoint: this.address,
    });
  }
}
