import type { Delivery, Outgoing } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Asked, ToldDelivery } from "./telling.ts";
import { envelopeOf, outgoingText } from "./text.ts";

/** The connection by which deliveries came. */
export interface DeliveryHome {
  readonly endpoint: string;
  /** Resolves when the broker has done it; rejects as `ack` does. */
  settle(
    delivery: RemoteDelivery,
    asked: Extract<Asked, { readonly ask: "ack" | "release" }>,
    data: readonly Uint8Array[],
  ): Promise<void>;
}

/** A delivery that came over a connection, and is worth nothing without that. */
export class RemoteDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly n: number;
  readonly attempt: number;
  readonly shard: string;
  readonly generation: number;
  readonly position: string | undefined;
  readonly #home: DeliveryHome;

  constructor(told: ToldDelivery, data: Uint8Array | undefined, home: DeliveryHome) {
    this.envelope = envelopeOf(told.envelope, data);
    this.n = told.n;
    this.attempt = told.attempt;
    this.shard = told.shard;
    this.generation = told.generation;
    this.position = told.position;
    this.#home = home;
  }

  get redelivered(): boolean {
    return this.attempt > 1;
  }

  ack(outputs: readonly Outgoing[] = []): Promise<void> {
    const data = outputs.map(({ envelope }) => envelope.data);
    const texts = outputs.map((each) => outgoingText(each, each.channel));
    const asked = { ask: "ack", n: this.n, ...(texts.length === 0 ? {} : { outputs: texts }) };
    return this.#home.settle(this, asked as Extract<Asked, { readonly ask: "ack" }>, data);
  }

  release(notBefore?: number): Promise<void> {
    return this.#home.settle(this, { ask: "release", n: this.n, notBefore }, []);
  }
}
