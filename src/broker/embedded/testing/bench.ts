import { sleep } from "../../../base/alarm.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { writeProperties } from "../../../wire/amqp091/properties.ts";
import type { ConsumerTerms, Handed, QueueConsumer } from "../consumer.ts";
import type { Message } from "../message.ts";
import { Node, type NodeOptions } from "../node.ts";
import { queueTerms, type QueueTerms } from "../terms.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { ModelStorage, type ModelStorageOptions } from "./model-storage.ts";

/** What one consumer was given, and its hands. */
export class Hearing {
  readonly handed: Handed[] = [];
  readonly cancellations: string[] = [];
  consumer!: QueueConsumer;
  room: number;

  constructor(room: number) {
    this.room = room;
  }

  get texts(): string[] {
    return this.handed.map(({ message }) => textOf(message));
  }

  /** The one with that text that came last. */
  of(text: string): Handed {
    return this.handed.findLast(({ message }) => textOf(message) === text)!;
  }

  ack(text: string): boolean {
    this.room++;
    return this.consumer.ack(this.of(text));
  }

  release(text: string, notBefore?: number): boolean {
    this.room++;
    return this.consumer.release(this.of(text), notBefore);
  }

  reject(text: string): boolean {
    this.room++;
    return this.consumer.reject(this.of(text));
  }
}

export function textOf({ body }: Message): string {
  return Buffer.from(body).toString();
}

/** A node in virtual time whose storage does what it is told, with one virtual host. */
export class NodeBench {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly #options: NodeOptions;
  readonly #commits: ModelStorageOptions["commits"];
  storage: ModelStorage;
  node: Node;

  constructor(options: NodeOptions = {}, commits: ModelStorageOptions["commits"] = "turn") {
    this.#options = options;
    this.#commits = commits;
    this.storage = new ModelStorage(this.env, { commits });
    this.node = new Node(this.storage, this.env, options);
  }

  get host(): VirtualHost {
    return this.node.host("/");
  }

  queue(name: string, terms: Partial<QueueTerms> = {}): void {
    this.host.declareQueue(queueTerms({ name, ...terms }));
  }

  message(text: string, terms: Partial<Message> = {}): Message {
    return {
      exchange: "",
      routingKey: "",
      properties: writeProperties({ messageId: text }),
      body: Buffer.from(text),
      persistent: true,
      priority: 0,
      expirationMs: undefined,
      key: undefined,
      ...terms,
    };
  }

  /** Publishes each text to a queue by its name. False: one of them was refused a place. */
  send(queue: string, texts: readonly string[], terms: Partial<Message> = {}): boolean {
    const outcomes = texts.map((text) =>
      this.host.publish(this.message(text, { routingKey: queue, ...terms })),
    );
    return outcomes.every(({ refused }) => !refused);
  }

  consume(queue: string, terms: Partial<ConsumerTerms> = {}, room: number = 1_000): Hearing {
    const hearing = new Hearing(room);
    hearing.consumer = this.host.consume(queue, {
      tag: "consumer",
      user: "user",
      noAck: false,
      exclusive: false,
      room: () => hearing.room,
      deliver: (handed) => {
        hearing.room--;
        hearing.handed.push(handed);
      },
      cancelled: (reason) => hearing.cancellations.push(reason),
      ...terms,
    });
    return hearing;
  }

  /** The texts that a queue has, whoever has them. */
  async texts(queue: string): Promise<string[]> {
    const rows = await this.host.queue(queue)!.browse(1_000_000);
    return rows.map(({ message }) => textOf(message));
  }

  /** Resolves when so much time has passed, and nothing is left to do but to wait. */
  after(ms: number = 20): Promise<void> {
    return sleep(this.env, ms);
  }

  /** Its process is killed, and another one opens what is left. */
  restart(how: { readonly power?: boolean } = {}): void {
    const image = this.storage.crash(how);
    this.storage = new ModelStorage(this.env, { image, commits: this.#commits ?? "turn" });
    this.node = new Node(this.storage, this.env, this.#options);
  }
}
