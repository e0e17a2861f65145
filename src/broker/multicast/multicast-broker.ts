import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { uint32 } from "../../base/random.ts";
import type { Address } from "../../transport/address.ts";
import { Sequences } from "../../transport/sequence.ts";
import type {
  DatagramReceiver,
  Datagrams,
  DatagramSender,
  HearDatagram,
} from "../../transport/transport.ts";
import type {
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Outgoing,
  Receipt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import { ModestBroker } from "../modest-broker.ts";
import { readFrame, writeFrame } from "./frame.ts";
import { MulticastConsumer } from "./multicast-consumer.ts";

export interface MulticastTerms {
  readonly address: Address;
  readonly datagrams: Datagrams;
  /** Becomes the broker's own. */
  readonly sender: DatagramSender;
  readonly capabilities: BrokerCapabilities;
  readonly waitMs: number;
  readonly env: Env;
}

/** How often it is looked at, and told, that something was missed, in milliseconds: it may be anybody's fault, and senders are many. */
const lookEveryMs = 1_000;

/** A user of a multicast group: sends to all of it, and hears all of it as soon as something is consumed. */
export class MulticastBroker extends ModestBroker {
  readonly name = "udp+multicast";
  readonly #terms: MulticastTerms;
  readonly #own: Buffer;
  readonly #sequences = new Sequences();
  readonly #consumers = new Map<string, Set<MulticastConsumer>>();
  #number = 0;
  #receiving: Promise<DatagramReceiver> | undefined;
  #malformed = 0;
  #full = 0;
  #told = 0;
  #lookedAt = -Infinity;

  constructor(terms: MulticastTerms) {
    super({
      address: terms.address.text,
      capabilities: terms.capabilities,
      has: "a multicast group has",
      more: "use file:./data, a broker in a folder, or direct:, which have more",
    });
    this.#terms = terms;
    const { random } = terms.env;
    this.#own = Buffer.alloc(8);
    this.#own.writeUInt32BE(uint32(random), 0);
    this.#own.writeUInt32BE(uint32(random), 4);
  }

  async declare(all: readonly Channel[]): Promise<readonly Drift[]> {
    this.refuseClosed();
    for (const channel of all) this.refuseMore(channel);
    return []; // there is nothing to be laid out
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.refuseClosed();
    return Promise.all(messages.map((message) => this.#publish(message)));
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.refuseClosed();
    const { channel, group, from = "new", filter, exclusive, prefetch } = subscription;
    this.refuseMore(channel);
    if (group !== undefined) throw this.cannot("groups: whoever consumes hears all");
    if (exclusive === true) throw this.cannot("that one of many consumes alone");
    if (from !== "new") throw this.cannot("what was sent before");
    if (filter !== undefined && Object.keys(filter).length > 0)
      throw this.cannot("that something is left out before it is sent");
    await this.#received();
    this.refuseClosed();
    const { name } = channel;
    const those = this.#consumers.get(name) ?? new Set();
    this.#consumers.set(name, those);
    const closed = (): void => {
      those.delete(consumer);
      if (those.size === 0 && this.#consumers.get(name) === those) this.#consumers.delete(name);
    };
    const consumer = new MulticastConsumer(name, prefetch, deliver, closed, this.#terms.env);
    those.add(consumer);
    return consumer;
  }

  protected async leave(): Promise<void> {
    const consumers = [...this.#consumers.values()].flatMap((each) => [...each]);
    await Promise.all(consumers.map((each) => each.close()));
    await this.#receiving?.then(
      (receiver) => receiver.close(),
      () => {},
    );
    this.#terms.sender.close();
  }

  async #publish(message: Outgoing): Promise<Receipt | TrunklineError> {
    const refused = this.refusal(message);
    if (refused !== undefined) return refused;
    const { channel, envelope } = message;
    const { sender, waitMs, env } = this.#terms;
    const frame = writeFrame(this.#own, this.#number, channel.name, envelope);
    if (frame.length > sender.bytesMax) return this.#tooLarge(frame.length, sender.bytesMax);
    this.#number = (this.#number + 1) >>> 0; // what is refused before that leaves no gap
    try {
      await sender.send(frame, env.now() + waitMs);
      return { enqueued: "accepted" };
    } catch (error) {
      if (isTrunklineError(error)) return error;
      throw error;
    }
  }

  /** Who consumes hears what is sent from then on. What cannot be received at now may be another time. */
  async #received(): Promise<DatagramReceiver> {
    const { datagrams, address, env } = this.#terms;
    this.#receiving ??= datagrams.receive(address, this.#hear, {}, env);
    try {
      return await this.#receiving;
    } catch (error) {
      this.#receiving = undefined;
      throw error;
    }
  }

  readonly #hear: HearDatagram = (memory, from, to, peer): void => {
    const frame = readFrame(memory, from, to);
    if (typeof frame === "string") {
      this.#malformed++;
      return this.#tell();
    }
    // With where it comes from: another user of the host cannot make what this one sends look old.
    const sender = `${peer.address} ${frame.sender}`;
    const came = this.#sequences.take(sender, frame.number) === "new";
    const consumers = came ? this.#consumers.get(frame.channel) : undefined;
    for (const consumer of consumers ?? []) if (!consumer.take(frame.envelope)) this.#full++;
    this.#tell();
  };

  #tell(): void {
    const now = this.#terms.env.now();
    if (!channels.broker.hasSubscribers || now < this.#lookedAt + lookEveryMs) return;
    this.#lookedAt = now;
    const { missing } = this.#sequences;
    const sum = missing + this.#malformed + this.#full;
    if (sum <= this.#told) return;
    this.#told = sum;
    const reason = `so far ${missing} have not come, ${this.#full} came while too many waited, ${this.#malformed} were none`;
    channels.broker.publish({ address: this.address, state: "missed", reason });
  }

  #tooLarge(bytes: number, bytesMax: number): TrunklineError {
    return systemError(
      "INVALID_ARGUMENT",
      `the message takes ${bytes} bytes, and a datagram may have ${bytesMax}`,
      {
        executed: "no",
        endpoint: this.address,
        advice:
          "send less, or where it is: nothing is cut into fragments, for nobody would hear that one is missing. On loopback alone multicast({ datagramBytesMax: 65_507 }) is safe",
      },
    );
  }
}
