import { VirtualEnv } from "../../../../base/virtual-env.ts";
import { uuidv7 } from "../../../../base/id.ts";
import type { Broker, Consumer, Delivery, Outgoing, Subscription } from "../../../broker.ts";
import { channel, type Channel } from "../../../channel.ts";
import type { Envelope } from "../../../envelope.ts";
import { Node } from "../../node.ts";
import type { ModelImage } from "../../testing/model-image.ts";
import { ModelStorage, type ModelStorageOptions } from "../../testing/model-storage.ts";
import { SharedEmbedded, type EmbeddedTerms } from "../shared-embedded.ts";

/** What a consumer is given, and how it ends. */
export interface Hearing {
  readonly consumer: Consumer;
  readonly deliveries: readonly Delivery[];
  readonly texts: () => string[];
}

/** One life of an embedded broker over a model of a disk, in virtual time. */
export class Lab implements AsyncDisposable {
  readonly env: VirtualEnv;
  readonly storage: ModelStorage;
  readonly node: Node;
  readonly shared: SharedEmbedded;
  readonly broker: Broker;
  /** Its process is dead: nothing that it does any more counts. */
  dead: boolean = false;
  readonly #terms: Partial<EmbeddedTerms>;
  readonly #commits: ModelStorageOptions["commits"];

  constructor(
    commits: NonNullable<ModelStorageOptions["commits"]> = "turn",
    terms: Partial<EmbeddedTerms> = {},
    env: VirtualEnv = new VirtualEnv(),
    image?: ModelImage,
  ) {
    this.env = env;
    this.#terms = terms;
    this.#commits = commits;
    this.storage = new ModelStorage(env, { commits, ...(image === undefined ? {} : { image }) });
    this.node = new Node(this.storage, env);
    this.shared = new SharedEmbedded(this.node, { address: "file:lab", ...terms });
    this.broker = this.shared.open("lab");
  }

  /** The process dies, and the next one finds what it has left. */
  crash(how: { readonly torn?: boolean } = {}): Lab {
    this.dead = true;
    const image = this.storage.crash({ power: true, ...how });
    this.shared.close();
    void this.node.close();
    return new Lab(this.#commits, this.#terms, this.env, image);
  }

  /** Resolves when what is under way in this instant has come to rest. */
  async rest(turns = 50): Promise<void> {
    for (let turn = 0; turn < turns; turn++)
      await new Promise<void>((done) => this.env.yield(done));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
    this.shared.close();
    await this.node.close();
  }

  envelope(text: string, terms: Partial<Envelope> = {}): Envelope {
    return {
      id: uuidv7(this.env),
      type: "lab.said",
      source: "/lab",
      subject: undefined,
      time: this.env.wall(),
      contentType: "text/plain",
      attributes: {},
      data: Buffer.from(text),
      ...terms,
    };
  }

  outgoing(to: Channel, text: string, terms: Partial<Envelope> = {}): Outgoing {
    return { channel: to, envelope: this.envelope(text, terms) };
  }

  async hear(
    terms: Partial<Subscription> & Pick<Subscription, "channel">,
    each: (delivery: Delivery) => void = () => undefined,
  ): Promise<Hearing> {
    const deliveries: Delivery[] = [];
    const consumer = await this.broker.consume(
      { group: undefined, prefetch: 100, ...terms },
      (batch) => {
        deliveries.push(...batch);
        batch.forEach(each);
      },
    );
    return {
      consumer,
      deliveries,
      texts: () => deliveries.map(({ envelope }) => textOf(envelope)),
    };
  }
}

export const work: Channel = channel({ name: "work", shape: "queue" });
export const kept: Channel = channel({ name: "kept", shape: "topic", retentionMs: 3_600_000 });

export function textOf({ data }: Pick<Envelope, "data">): string {
  return Buffer.from(data).toString();
}
