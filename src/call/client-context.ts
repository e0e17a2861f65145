import { Deadline } from "../base/deadline.ts";
import { systemError, type SystemError } from "../base/error.ts";
import type { Context, Handler } from "../base/handler.ts";
import type { SystemCode } from "../base/outcome.ts";
import type { Peer } from "../base/peer.ts";
import type { TraceContext } from "../base/trace.ts";
import type { Around, Attempt, Cancellable, CancelReason, SendTry } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import { checkLane } from "../protocol/standing.ts";
import { checkHeaders } from "./invocation.ts";

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
  readonly #attempt: Attempt;
  readonly #controller = new AbortController();
  readonly #send: SendTry;
  #sent: Attempt | undefined;

  constructor(
    operation: Operation,
    attempt: Attempt,
    endpoint: string,
    head: unknown,
    send: SendTry,
  ) {
    this.#attempt = attempt;
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
    const attempt = this.#attempt;
    const given = Object.keys(headers).length > 0 ? headers : undefined;
    checkHeaders(given);
    checkLane(lane);
    const sent = attempt.derive(Math.min(attempt.deadlineAt, deadline.at), idempotencyKey, given);
    sent.lane = lane;
    this.#sent = sent;
    if (attempt.cancelled !== undefined) sent.cancel(attempt.cancelled);
    return sent;
  }

  /** The process that it went to, as far as it is known. */
  get reachedBoot(): string | undefined {
    return this.#sent?.reachedBoot;
  }
}

/** Interceptors around each try, composed once, as the pipeline asks for them. */
export function aroundAttempts(chain: Handler, operation: Operation): Around {
  return async (attempt, endpoint, input, head, send) => {
    const context = new ClientContext(operation, attempt, endpoint, head, send);
    try {
      return await chain(input, context);
    } finally {
      attempt.reachedBoot = context.reachedBoot;
    }
  };
}
