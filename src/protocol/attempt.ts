import type { TraceContext } from "../base/trace.ts";

/** Why work is given up. */
export type CancelReason = "caller" | "deadline" | "peer" | "shutdown";

/** Something under way that can be given up. */
export interface Cancellable {
  cancel(reason: CancelReason, cause?: unknown): void;
}

/** Sends what is given in one try, by whatever endpoint was chosen for it. */
export type SendTry = (input: unknown, attempt: Attempt, head: unknown) => Promise<unknown>;

/** What the user puts around each try: gets what is to be sent and where, and sends it, or something else, or answers itself. */
export type Around = (
  attempt: Attempt,
  endpoint: string,
  input: unknown,
  head: unknown,
  send: SendTry,
) => Promise<unknown>;

/** What one try of a call takes along, and the handle by which it is given up. */
export class Attempt implements Cancellable {
  /**
   * The instant at which it is handed to the protocol, or just before, where somebody has looked at the clock; a second
   * look would cost as much as writing the whole request. Undefined: the protocol looks itself.
   */
  beganAt: number | undefined = undefined;
  /** The instant at which it was answered, where somebody has looked at the clock. */
  endedAt: number | undefined = undefined;
  /** The swim lane that the call belongs to; undefined: the main one. */
  lane: string | undefined = undefined;
  /** How often the call was tried before; the server hears it, so that what it calls for a repeated request is not repeated in turn. */
  tries = 0;
  /** The call is part of a request that is itself a repetition: it must not be repeated. */
  once = false;
  /** Only the server with this boot id may run it; any other one refuses, `executed: "no"`. Undefined: whoever is there. */
  onlyBoot: string | undefined = undefined;
  /**
   * The boot id of the process that it was sent to, as far as that has said so by the time the attempt failed: the protocol
   * leaves it here. Undefined: it was not sent, or nobody knows to whom.
   */
  reachedBoot: string | undefined = undefined;
  /** Requests with the same one go to the same endpoint, where the balancer knows of it. */
  hashKey: string | undefined = undefined;
  /** Undefined: nothing. */
  around: Around | undefined = undefined;
  /** The instant by which a call is answered, or a stream accepted. */
  readonly deadlineAt: number;
  /** The instant by which a stream has ended; Infinity when nobody asked. */
  readonly totalAt: number;
  readonly trace: TraceContext;
  readonly idempotencyKey: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  #cancelled: CancelReason | undefined;
  #cause: unknown;
  #work: Cancellable | undefined;

  constructor(
    deadlineAt: number,
    totalAt: number,
    trace: TraceContext,
    idempotencyKey: string | undefined,
    headers: Readonly<Record<string, string>> | undefined,
  ) {
    this.deadlineAt = deadlineAt;
    this.totalAt = totalAt;
    this.trace = trace;
    this.idempotencyKey = idempotencyKey;
    this.headers = headers;
  }

  /** Another try of the same call, which can be given up alone. It does not end with this one: who makes it sees to that. */
  derive(
    deadlineAt: number,
    idempotencyKey: string | undefined = this.idempotencyKey,
    headers: Readonly<Record<string, string>> | undefined = this.headers,
  ): Attempt {
    const other = new Attempt(deadlineAt, this.totalAt, this.trace, idempotencyKey, headers);
    other.lane = this.lane;
    other.tries = this.tries;
    other.once = this.once;
    other.onlyBoot = this.onlyBoot;
    other.hashKey = this.hashKey;
    other.around = this.around;
    return other;
  }

  /** The instant by which it must be answered, or accepted: no try of it begins later. */
  get acceptBy(): number {
    return Math.min(this.deadlineAt, this.totalAt);
  }

  /** Why it was given up; undefined while it is wanted. */
  get cancelled(): CancelReason | undefined {
    return this.#cancelled;
  }

  /** The protocol says what to stop; at once when it was given up before. */
  bind(work: Cancellable): void {
    this.#work = work;
    if (this.#cancelled !== undefined) work.cancel(this.#cancelled, this.#cause);
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    if (this.#cancelled !== undefined) return;
    this.#cancelled = reason;
    this.#cause = cause;
    this.#work?.cancel(reason, cause);
  }
}
