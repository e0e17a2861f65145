import type { Peer } from "../base/peer.ts";
import type { TraceContext } from "../base/trace.ts";
import type { Within } from "../store/within.ts";
import type { Cancellable, CancelReason } from "./attempt.ts";

/** A request as a protocol hands it up to the serving side. */
export class Incoming implements Cancellable {
  readonly peer: Peer;
  /** The instant by which a call must be answered, or a stream accepted; Infinity when the caller set none. */
  readonly deadlineAt: number;
  /** The instant by which a stream must have ended; Infinity when the caller set none. */
  readonly totalAt: number;
  /** Undefined when the caller sent none. */
  readonly trace: TraceContext | undefined;
  readonly idempotencyKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The instant at which it was read. */
  readonly receivedAt: number;
  /** The swim lane that its caller named; undefined: the main one. */
  lane: string | undefined = undefined;
  /** How often its caller has tried before. */
  tries = 0;
  /** It repeats an earlier request, or was made for one that does: what its handler calls must not be repeated in turn. */
  once = false;
  /** Its instants are of a clock that its caller has in common with us: they hold, however long it was on its way. */
  exact = false;
  /** Its handler runs in this transaction, which is committed before it is answered. Undefined: in none of ours. */
  within: Within | undefined = undefined;
  /** Who runs the handler, where that is not simply done: it is given what runs it, and resolves or rejects as the handler does. */
  around: ((run: () => Promise<unknown>) => Promise<unknown>) | undefined = undefined;
  /** Why the work is no longer wanted; undefined while it is. */
  cancelled: CancelReason | undefined = undefined;
  #work: Cancellable | undefined;

  constructor(
    peer: Peer,
    deadlineAt: number,
    totalAt: number,
    trace: TraceContext | undefined,
    idempotencyKey: string | undefined,
    headers: Readonly<Record<string, string>>,
    receivedAt: number,
  ) {
    this.peer = peer;
    this.deadlineAt = deadlineAt;
    this.totalAt = totalAt;
    this.trace = trace;
    this.idempotencyKey = idempotencyKey;
    this.headers = headers;
    this.receivedAt = receivedAt;
  }

  /** The serving side says what to stop; at once when it was cancelled before. */
  bind(work: Cancellable): void {
    this.#work = work;
    if (this.cancelled !== undefined) work.cancel(this.cancelled);
  }

  /** The same request once more, which is not given up together with this one. */
  apart(): Incoming {
    const { peer, deadlineAt, totalAt, trace, idempotencyKey, headers, receivedAt } = this;
    const other = new Incoming(
      peer,
      deadlineAt,
      totalAt,
      trace,
      idempotencyKey,
      headers,
      receivedAt,
    );
    other.lane = this.lane;
    other.tries = this.tries;
    other.once = this.once;
    return other;
  }

  cancel(reason: CancelReason): void {
    if (this.cancelled !== undefined) return;
    this.cancelled = reason;
    this.#work?.cancel(reason);
  }
}
