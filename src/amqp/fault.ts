import { isTrunklineError } from "../base/error.ts";
import { Refusal, type RefusalReason } from "../broker/embedded/refusal.ts";
import { replies } from "../wire/amqp091/methods.ts";

export type Reply = keyof typeof replies;

/** Why a channel, or the whole connection, is closed: what AMQP 0-9-1 calls an exception. The texts are RabbitMQ's, since clients look for them. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: number;
  /** It ends the connection, not the channel alone. */
  readonly hard: boolean;

  constructor(reply: Reply, text: string) {
    super(`${reply} - ${text}`);
    ({ code: this.code, hard: this.hard } = replies[reply]);
  }
}

const replyOf: Readonly<Record<RefusalReason, Reply>> = {
  "not-found": "NOT_FOUND",
  "precondition-failed": "PRECONDITION_FAILED",
  "access-refused": "ACCESS_REFUSED",
  "resource-locked": "RESOURCE_LOCKED",
  "not-allowed": "NOT_ALLOWED",
  "resource-error": "RESOURCE_ERROR",
  "command-invalid": "COMMAND_INVALID",
};

/** What a peer is told of an error. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Refusal) return new Fault(replyOf[error.reason], error.message);
  if (isTrunklineError(error) && error.code === "INVALID_ARGUMENT")
    return new Fault("SYNTAX_ERROR", error.reason);
  const text = isTrunklineError(error) ? error.reason : "the broker has failed at this";
  return new Fault("INTERNAL_ERROR", text);
}
