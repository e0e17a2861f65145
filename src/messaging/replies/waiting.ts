import { Deadline } from "../../base/deadline.ts";
import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import { currentContext, type ServedContext } from "../../call/served-context.ts";
import type { Cancellable, CancelReason } from "../../protocol/attempt.ts";

/** Why waiting ended before what was waited for came: its time was over, or nobody wants it any more. */
export type Why = "deadline" | "cancelled";

/** Waiting for replies: ends with its deadline, with its signal, or with the served call that it is part of. */
export class Waiting extends Alarm implements Cancellable {
  readonly endsAt: number;
  readonly #env: Env;
  readonly #signal: AbortSignal | undefined;
  readonly #parent: ServedContext | undefined;
  readonly #ended: (why: Why, cause: unknown) => void;
  readonly #abort = (): void => this.#end("cancelled", this.#signal?.reason);
  #over = false;

  /** `ended` is called at most once, and not after `stop`; it may be called at once. */
  constructor(
    endsAt: number,
    signal: AbortSignal | undefined,
    env: Env,
    ended: (why: Why, cause: unknown) => void,
  ) {
    super();
    const context = currentContext();
    this.#parent = context === undefined || context.settled ? undefined : context;
    this.endsAt = Math.min(endsAt, this.#parent?.endsAt ?? Infinity);
    this.#env = env;
    this.#signal = signal;
    this.#ended = ended;
    if (this.endsAt < Infinity) env.set(this, this.endsAt);
    this.#parent?.adopt(this);
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  ring(): void {
    this.#end("deadline", undefined);
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    this.#end(reason === "deadline" ? "deadline" : "cancelled", cause);
  }

  /** It is not waited for any more. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#env.clear(this);
    this.#parent?.release(this);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  #end(why: Why, cause: unknown): void {
    if (this.#over) return;
    this.stop();
    this.#ended(why, cause);
  }
}

/** The instant, of the monotonic clock, by which something is over that may take so long. */
export function endOf(given: Duration | Deadline, now: number): number {
  return given instanceof Deadline ? given.at : now + milliseconds(given);
}
