import type { AsyncMessage } from "rabbitmq-client";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Delivery, Outgoing } from "../broker.ts";
import { attemptOf, envelopeOf, type Arrival, type Received } from "./message.ts";
import type { ShardReader } from "./shard-reader.ts";

/** What a delivery needs of the consumer that it came by. */
export interface DeliveryOwner {
  readonly endpoint: string;
  readonly arrival: () => Arrival;
  /** It is settled, or belongs to somebody else: another one may come. */
  settled(delivery: AmqpDelivery): void;
  /** Publishes it again for a later instant, with its attempts. */
  later(delivery: AmqpDelivery, notBefore: number): Promise<void>;
}

/** One message as it came from a queue. */
export class AmqpDelivery implements Delivery {
  readonly shard: string;
  readonly generation: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  /** When it came, by the clock of waiting. */
  readonly cameAt: number;
  readonly #owner: DeliveryOwner;
  readonly #reader: ShardReader;
  readonly #tag: number;
  readonly #received: Received;
  #done = false;

  constructor(
    message: AsyncMessage,
    from: { reader: ShardReader; shard: string; generation: number; cameAt: number },
    owner: DeliveryOwner,
  ) {
    this.#received = envelopeOf(message, owner.arrival());
    this.attempt = attemptOf(message);
    this.redelivered = message.redelivered || this.attempt > 1;
    this.#tag = message.deliveryTag;
    this.#reader = from.reader;
    this.shard = from.shard;
    this.generation = from.generation;
    this.cameAt = from.cameAt;
    this.#owner = owner;
  }

  get envelope(): Received["envelope"] {
    return this.#received.envelope;
  }

  get malformed(): string | undefined {
    return this.#received.malformed;
  }

  get position(): string {
    return `${this.shard}@${this.#tag}`;
  }

  /** True while it can be settled. */
  get held(): boolean {
    return !this.#done && this.#reader.open;
  }

  async ack(outputs: readonly Outgoing[] = []): Promise<void> {
    if (outputs.length > 0)
      throw systemError("UNIMPLEMENTED", "RabbitMQ has no transactions over queues", {
        executed: "no",
        endpoint: this.#owner.endpoint,
        advice: "publish first, and ack what was confirmed",
      });
    this.#settle();
    if (!(await this.#reader.ack(this.#tag))) throw this.#fenced();
  }

  async release(notBefore?: number): Promise<void> {
    if (notBefore !== undefined && notBefore > this.#owner.arrival().wallMs) {
      if (!this.held) throw this.#fenced();
      await this.#owner.later(this, notBefore);
      return this.ack();
    }
    this.#settle();
    if (!(await this.#reader.requeue(this.#tag))) throw this.#fenced();
  }

  /** It was held too long: it is given back, and what is still said of it is fenced. */
  giveBack(): void {
    if (!this.held) return;
    this.#done = true;
    this.#owner.settled(this);
    void this.#reader.requeue(this.#tag);
  }

  #settle(): void {
    if (!this.held) throw this.#fenced();
    this.#done = true;
    this.#owner.settled(this);
  }

  #fenced(): TrunklineError {
    return systemError(
      "UNAVAILABLE",
      `${this.envelope.id} of ${this.shard} is settled, or belongs to somebody else by now`,
      { executed: "maybe", gate: "fenced", endpoint: this.#owner.endpoint },
    );
  }
}
