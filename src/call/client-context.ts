import { Deadline } from "../base/deadline.ts";
import { systemError, type SystemError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import type { SystemCode } from "../base/outcome.ts";
import type { Peer } from "../base/peer.ts";
import type { TraceContext } from "../base/trace.ts";
import { Attempt, type Cancellable, type CancelReason } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import { checkLane } from "../protocol/standing.ts";
import { checkHeaders, type Invocation } from "./invocation.ts";

/** Sends what the interceptors passed on. */
export type Send = (input: unknown, attempt: Attempt, head: unknown) => Promise<unknown>;

/** Leads from a copy of a context back to the call it belongs to; a spread copies it along. */
const origin = Symbol("origin");

/**
 * The context that a client's interceptors see. They may pass on a copy with other headers, another deadline or
 * another key: `next(input, { ...context, headers: { ...context.headers, authorization } })`.
 */
export class ClientContext implements Context, Cancellable {
  readonly operation: Operation;
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly trace: TraceContext;
  readonly head: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
  readonly lane: string | undefined;
  readonly peer: Peer;
  readonly refuse: (code: SystemCode, reason: string) => SystemError;

  /** @internal */
  readonly [origin]: ClientContext = this;
  readonly #invocation: Invocation;
  readonly #controller = new AbortController();
  readonly #send: Send;
  #sent: Attempt | undefined;

  constructor(
    operation: Operation,
    invocation: Invocation,
    endpoint: string,
    head: unknown,
    send: Send,
  ) {
    const { attempt } = invocation;
    this.#invocation = invocation;
    this.#send = send;
    this.operation = operation;
    this.signal = this.#controller.signal;
    this.deadline = new Deadline(attempt.deadlineAt);
    this.trace = attempt.trace;
    this.head = head;
    this.headers = attempt.headers ?? {};
    this.idempotencyKey = attempt.idempotencyKey;
    this.lane = attempt.lane;
    this.peer = { address: endpoint, sameHost: false };
    this.refuse = (code, reason) => systemError(code, reason, { executed: "no" });
    attempt.bind(this);
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    this.#controller.abort(cause);
    this.#sent?.cancel(reason, cause);
  }

  /** The innermost handler of a client's interceptors: sends what they passed on. */
  static proceed(this: void, input: unknown, passed: Context): Promise<unknown> {
    const own = (passed as Partial<ClientContext>)[origin];
    if (own === undefined) {
      throw systemError(
        "INTERNAL",
        "an interceptor passed on a context that is not the one it was given",
        {
          executed: "no",
          advice: "pass on `context`, or a copy: `{ ...context, headers }`",
        },
      );
    }
    return own.#send(input, own.#attemptFor(passed), passed.head);
  }

  #attemptFor({ headers, idempotencyKey, deadline, lane }: Context): Attempt {
    const { attempt } = this.#invocation;
    const given = Object.keys(headers).length > 0 ? headers : undefined;
    checkHeaders(given);
    checkLane(lane);
    const deadlineAt = Math.min(attempt.deadlineAt, deadline.at);
    this.#sent = new Attempt(deadlineAt, attempt.totalAt, attempt.trace, idempotencyKey, given);
    this.#sent.lane = lane;
    this.#sent.once = attempt.once;
    if (attempt.cancelled !== undefined) this.#sent.cancel(attempt.cancelled);
    return this.#sent;
  }
}
