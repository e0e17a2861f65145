import { channels } from "../base/diagnostics.ts";
import type { Attempt } from "./attempt.ts";
import type { Operation } from "./operation.ts";
import type { Caller } from "./protocol.ts";

/** Who is told what came of a call: one of both, once. Neither may throw. */
export interface Reply {
  answered(output: unknown): void;
  failed(failure: unknown): void;
}

/** One who has a promise of it. */
export class PromisedReply implements Reply {
  readonly promise: Promise<unknown>;
  readonly answered: (output: unknown) => void;
  readonly failed: (failure: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.promise = promise;
    this.answered = resolve;
    this.failed = reject;
  }
}

/** Tells what comes of a promise. */
export function tell(reply: Reply, promise: PromiseLike<unknown>): void {
  promise.then(
    (output) => reply.answered(output),
    (failure: unknown) => reply.failed(failure),
  );
}

/**
 * Asks by `ask` where the caller has it, which spares a promise at each step of the way. But then the reply comes in the asynchronous
 * context of whoever reads the connection: where somebody listens to what is told of calls, it comes by a promise, in that of the call.
 */
export function askBy(
  caller: Caller,
  operation: Operation,
  input: unknown,
  attempt: Attempt,
  reply: Reply,
): void {
  if (caller.ask !== undefined && !channels.attempt.hasSubscribers)
    caller.ask(operation, input, attempt, reply);
  else tell(reply, caller.call(operation, input, attempt));
}
