import { secretBytes } from "../base/secret.ts";
import { Refusal } from "../broker/embedded/refusal.ts";
import { queueTerms } from "../broker/embedded/terms.ts";
import type { Session } from "./session.ts";

/** The name by which a client consumes its answers without making a queue for them (RabbitMQ's direct reply-to). */
export const replyQueue = "amq.rabbitmq.reply-to";

/** Before the names of those that stand for it. */
export const replyQueuePrefix: string = `${replyQueue}.`;

/**
 * Makes a queue that stands for it: in memory alone, gone with the connection. So whoever answers, by AMQP or by another face, needs
 * not know that it is anything else. Its name cannot be guessed.
 */
export function makeReplyQueue({ host, owner }: Session): string {
  const name = replyQueuePrefix + Buffer.from(secretBytes(18)).toString("base64url");
  const terms = { durable: false, owner, autoDelete: true, level: "memory" } as const;
  host.declareQueue(queueTerms({ name, ...terms }));
  return name;
}

/** @throws Refusal: answers come to one consumer of a channel, and are not acknowledged. */
export function checkReplyConsumer(noAck: boolean, there: boolean): void {
  if (!noAck) throw new Refusal("precondition-failed", "reply consumer cannot acknowledge");
  if (there) throw new Refusal("precondition-failed", "reply consumer already set");
}
