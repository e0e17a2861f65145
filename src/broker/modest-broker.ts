import { systemError, type TrunklineError } from "../base/error.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Lag,
  Outgoing,
  Receipt,
  ReplyBox,
  ReplyTerms,
  StartAt,
  Subscription,
} from "./broker.ts";
import type { Channel } from "./channel.ts";
import type { Envelope } from "./envelope.ts";

/** What a broker says when it refuses. */
export interface ModestTerms {
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  /** What it is, with the verb: "a ring in a file has". */
  readonly has: string;
  /** What has more: "use file:./data, …". */
  readonly more: string;
  /** The highest priority that it has, where it has any. */
  readonly priorityMax?: number;
}

/**
 * A broker that has less than the port has room for. What its capabilities do not promise is refused here, as UNIMPLEMENTED with the advice what
 * has it; a broker that promises one of these methods overrides it.
 */
export abstract class ModestBroker implements Broker {
  abstract readonly name: string;
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #said: ModestTerms;
  #closing: Promise<void> | undefined;

  constructor(said: ModestTerms) {
    this.#said = said;
    this.address = said.address;
    this.capabilities = said.capabilities;
  }

  abstract declare(channels: readonly Channel[]): Promise<readonly Drift[]>;
  abstract publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]>;
  abstract consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer>;
  /** Closes what it has; called once. */
  protected abstract leave(): Promise<void>;

  replies(_terms: ReplyTerms, _heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    return Promise.reject(this.cannot("replies"));
  }

  reply(_to: string, _envelope: Envelope): Promise<void> {
    return Promise.reject(this.cannot("replies"));
  }

  browse(
    _channel: Channel,
    _group: string | undefined,
    _limit: number,
  ): Promise<readonly Envelope[]> {
    return Promise.reject(this.cannot("that one looks at what waits"));
  }

  lag(_channel: Channel, _group: string | undefined): Promise<Lag> {
    return Promise.reject(this.cannot("that one counts what waits"));
  }

  reset(_channel: Channel, _group: string, _to: StartAt): Promise<void> {
    return Promise.reject(this.cannot("that anything is consumed again"));
  }

  close(): Promise<void> {
    // By then it is known to be closed to whoever is called by that.
    return (this.#closing ??= Promise.resolve().then(() => this.leave()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected get closed(): boolean {
    return this.#closing !== undefined;
  }

  protected refuseClosed(): void {
    if (!this.closed) return;
    throw systemError("UNAVAILABLE", "the broker was closed", {
      executed: "no",
      endpoint: this.address,
    });
  }

  /** Refuses a channel that asks for more than is promised. */
  protected refuseMore(channel: Channel): void {
    const { name, shape, enqueued, guarantee } = channel;
    const has = this.capabilities;
    const refuse = (asked: boolean, what: string, instead?: string): void => {
      if (asked) throw this.cannot(`${what} (${name})`, instead);
    };
    refuse(shape === "topic" && has.topics === false, "topics", documents);
    refuse(shape === "queue" && has.queues === false, toAll);
    refuse(channel.groups.length > 0 && !has.groups, "groups");
    refuse(
      enqueued !== undefined && !has.receipts.includes(enqueued),
      `receipts that mean "${enqueued}"`,
    );
    const [other] = has.guarantees;
    refuse(!has.guarantees.includes(guarantee), guarantee, `declare delivery: "${other}", or `);
    refuse(channel.ordered && has.order === "none", "order per key");
    refuse(channel.mandatory && !has.mandatory, "that it is told when nobody is there");
    refuse(
      (channel.compacted && !has.compaction) || channel.retentionMs !== undefined,
      "that messages are kept for a time",
    );
    const { priorityMax = 0 } = this.#said;
    const above = priorityMax === 0 ? "priorities" : `priorities above ${priorityMax}`;
    refuse(channel.priorityMax > priorityMax, above);
  }

  /** What a message asks for that is not promised; undefined: nothing. */
  protected refusal({ channel, to, notBefore, priority }: Outgoing): TrunklineError | undefined {
    const has = this.capabilities;
    if (channel.shape === "queue" && has.queues === false) return this.cannot(toAll);
    if (to !== undefined && !has.groups) return this.cannot("groups");
    if (notBefore !== undefined && !has.delay) return this.cannot("that a message is held back");
    if ((priority ?? 0) > 0 && !has.priority) return this.cannot("priorities");
    return undefined;
  }

  protected cannot(what: string, instead = ""): TrunklineError {
    return systemError("UNIMPLEMENTED", `${this.#said.has} not: ${what}`, {
      executed: "no",
      endpoint: this.address,
      advice: `${instead}${this.#said.more}`,
    });
  }
}

const documents = "send documents, which --queue of the command line means; or ";
const toAll = "queues: each message goes to everybody";
