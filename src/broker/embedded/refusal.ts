/** Why a broker does not do what it is asked, in the words of AMQP 0-9-1. */
export type RefusalReason =
  | "not-found"
  | "precondition-failed"
  | "access-refused"
  | "resource-locked"
  | "not-allowed"
  | "resource-error"
  | "command-invalid";

/** What a virtual host throws at whoever asks for what cannot be. Each face says it in the words of its protocol. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
