import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { ignored } from "./declarations.ts";
import { codeOf } from "./foreign-error.ts";
import type { QueuePlan } from "./topology.ts";

/** Held by one consumer of a group at a time, for as long as its connection lives: the only consumer of an empty queue. */
export class Lock {
  readonly #queue: QueuePlan;
  #channel: AmqpConnectionChannel | undefined;

  constructor(queue: QueuePlan) {
    this.#queue = queue;
  }

  /** False when somebody else has it. */
  async take(connection: Connection): Promise<boolean> {
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on("error", ignored);
    const { name: queue, arguments: given } = this.#queue;
    try {
      await channel.queueDeclare({ queue, durable: true, arguments: given });
      await channel.basicConsume({ queue, exclusive: true }, ignored);
    } catch (error) {
      await channel.close();
      if (codeOf(error) === "ACCESS_REFUSED") return false;
      throw error;
    }
    this.#channel = channel;
    return true;
  }

  async release(): Promise<void> {
    await this.#channel?.close();
  }
}
