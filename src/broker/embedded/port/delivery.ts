import type { Received } from "../../amqp-event.ts";
import type { Delivery, Outgoing } from "../../broker.ts";
import type { Envelope } from "../../envelope.ts";
import type { Handed } from "../consumer.ts";
import type { Message } from "../message.ts";
import { receivedOf } from "./event-message.ts";

/** What a delivery asks of the consumer that it came by. */
export interface DeliveryHome {
  ack(delivery: EmbeddedDelivery, outputs: readonly Outgoing[]): Promise<void>;
  release(delivery: EmbeddedDelivery, notBefore: number | undefined): Promise<void>;
}

const none: readonly Outgoing[] = [];

/** A message in the hands of a consumer in this process. */
export class EmbeddedDelivery implements Delivery {
  readonly handed: Handed;
  readonly message: Message;
  readonly #home: DeliveryHome;

  constructor(handed: Handed, home: DeliveryHome) {
    this.handed = handed;
    this.message = handed.message;
    this.#home = home;
  }

  get envelope(): Envelope {
    return this.#received().envelope;
  }

  get malformed(): string | undefined {
    return this.#received().malformed;
  }

  get attempt(): number {
    return this.handed.attempt;
  }

  get redelivered(): boolean {
    return this.handed.redelivered;
  }

  get shard(): string {
    return this.handed.shard;
  }

  get generation(): number {
    return this.handed.generation;
  }

  get position(): string {
    return positionOf(this.handed);
  }

  ack(outputs: readonly Outgoing[] = none): Promise<void> {
    return this.#home.ack(this, outputs);
  }

  release(notBefore?: number): Promise<void> {
    return this.#home.release(this, notBefore);
  }

  #received(): Received {
    const { message, handed } = this;
    return message.cached === undefined
      ? receivedOf(message, positionOf(handed), handed.enqueuedAt)
      : (message.cached as Received);
  }
}

/** `orders.1.placed@billing[3]@1742`: the queue, its shard, and the place in that. */
function positionOf({ queue, shard, seq }: Handed): string {
  return `${queue}[${shard}]@${seq}`;
}
