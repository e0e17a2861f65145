import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Listener } from "../../messaging/replies/listening.ts";
import { readReply } from "../../messaging/replies/reply.ts";
import type { Attempt, Cancellable, CancelReason } from "../../protocol/attempt.ts";
import type { Operation } from "../../protocol/operation.ts";

/** A request that waits for its reply, or for the broker. */
export class PendingCall extends Alarm implements Listener, Cancellable {
  readonly outcome: Promise<unknown>;
  /** It was handed to the broker: from here on it may have been done. */
  sent = false;
  over = false;
  readonly #operation: Operation;
  readonly #env: Env;
  readonly #startedAt: number;
  readonly #left: () => void;
  readonly #resolve: (output: unknown) => void;
  readonly #reject: (error: TrunklineError) => void;

  constructor(operation: Operation, attempt: Attempt, env: Env, left: () => void) {
    super();
    this.#operation = operation;
    this.#env = env;
    this.#startedAt = attempt.beganAt ?? env.now();
    this.#left = left;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Its time runs from here on. */
  begin({ deadlineAt }: Attempt): void {
    if (this.over) return;
    if (deadlineAt <= this.#startedAt) this.ring();
    else if (deadlineAt < Infinity) this.#env.set(this, deadlineAt);
  }

  heard(reply: Envelope): void {
    const outcome = readReply(reply, this.#operation);
    if ("failure" in outcome) this.fail(outcome.failure);
    else this.resolve(outcome.output);
  }

  closed(error: TrunklineError): void {
    this.fail(error);
  }

  ring(): void {
    const elapsedMs = Math.round(this.#env.now() - this.#startedAt);
    const reason = this.sent
      ? `no answer within ${elapsedMs} ms`
      : `the broker was not ready within ${elapsedMs} ms`;
    this.fail(systemError("DEADLINE_EXCEEDED", reason, { executed: this.#executed }));
  }

  /** Who serves does not hear of it. */
  cancel(reason: CancelReason, cause?: unknown): void {
    if (reason === "deadline") {
      this.ring();
      return;
    }
    const told = reason === "shutdown" ? "the client was closed" : "the caller gave up";
    this.fail(systemError("CANCELLED", told, { executed: this.#executed, cause }));
  }

  resolve(output: unknown): void {
    if (this.#ended()) this.#resolve(output);
  }

  fail(error: TrunklineError): void {
    if (this.#ended()) this.#reject(error);
  }

  get #executed(): "no" | "maybe" {
    return this.sent ? "maybe" : "no";
  }

  #ended(): boolean {
    if (this.over) return false;
    this.over = true;
    this.#env.clear(this);
    this.#left();
    return true;
  }
}
