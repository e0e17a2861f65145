import type { AsyncMessage, Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { ignored } from "./declarations.ts";
import { SettledTags } from "./settled-tags.ts";

/** How one queue is read. */
export interface ReadTerms {
  readonly queue: string;
  /** The most unacknowledged messages. */
  readonly prefetch: number;
  /** Refused while somebody else has it to himself. */
  readonly exclusive?: boolean;
  readonly arguments?: Readonly<Record<string, string | number>>;
  readonly took: (message: AsyncMessage) => void;
  /** It ends without being asked: the queue is gone, or its leader, or the connection. */
  readonly ended: () => void;
}

/**
 * Reads one queue by an AMQP channel of its own: closing that gives back all that is unacknowledged, in its order and at once,
 * before the next consumer of the queue gets anything.
 */
export class ShardReader {
  readonly #terms: ReadTerms;
  #channel: AmqpConnectionChannel | undefined;
  #barrier: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;
  readonly #tags = new SettledTags();

  constructor(terms: ReadTerms) {
    this.#terms = terms;
  }

  /** False when it has ended: what it had read belongs to somebody else. */
  get open(): boolean {
    return this.#channel?.active === true;
  }

  async start(connection: Connection): Promise<void> {
    const { queue, prefetch, exclusive = false, took, arguments: given } = this.#terms;
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on("error", ignored);
    try {
      await channel.basicQos({ prefetchCount: prefetch });
      this.#channel = channel;
      channel.on("close", () => this.#ended(channel));
      channel.on("basic.cancel", () => void channel.close());
      await channel.basicConsume(
        { queue, exclusive, ...(given === undefined ? {} : { arguments: { ...given } }) },
        (message) => {
          if (this.#channel !== channel) return;
          this.#tags.came(message.deliveryTag);
          took(message);
        },
      );
    } catch (error) {
      this.#channel = undefined;
      void channel.close();
      throw error;
    }
  }

  /**
   * Acknowledges one message, and resolves when the server has taken note: it answers what is asked on a channel in order, so one
   * answer stands for all acknowledgements before it, and meanwhile the next ones gather. False when that will never be known.
   */
  ack(tag: number): Promise<boolean> {
    this.#tags.ack(tag);
    return this.#noted();
  }

  /** Gives one message back. */
  requeue(tag: number): Promise<boolean> {
    if (this.#channel?.active === true)
      this.#channel.basicNack({ deliveryTag: tag, requeue: true });
    this.#tags.without(tag);
    return this.#noted();
  }

  /** Waits for the acknowledgements under way, and gives all back that is unacknowledged. */
  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    await this.#barrier;
    await channel?.close();
  }

  #noted(): Promise<boolean> {
    const channel = this.#channel;
    if (channel?.active !== true) return Promise.resolve(false);
    if (this.#next !== undefined) return this.#next;
    const before = this.#barrier;
    const ask = async (): Promise<boolean> => {
      await before;
      this.#next = undefined;
      try {
        for (const { tag, multiple } of this.#tags.take())
          channel.basicAck({ deliveryTag: tag, multiple });
        await channel.basicQos({ prefetchCount: this.#terms.prefetch });
        return true;
      } catch {
        return false;
      }
    };
    // The first one waits a turn, and so speaks for all of it.
    this.#next = this.#barrier = Promise.resolve().then(ask);
    return this.#next;
  }

  #ended(channel: AmqpConnectionChannel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#terms.ended();
  }
}
