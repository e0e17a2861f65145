import { Deadline } from "../base/deadline.ts";
import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import { beginTrace, childTrace } from "../base/trace.ts";
import { Attempt } from "../protocol/attempt.ts";
import { checkLane } from "../protocol/standing.ts";
import type { ClientLife, LiveCall } from "./client-life.ts";
import type { StreamOptions } from "./client-type.ts";
import type { Member } from "./compile.ts";
import { currentContext, type ServedContext } from "./served-context.ts";

/** One call from its options to its end: what it inherits, and what it must let go of afterwards. */
export class Invocation implements LiveCall {
  readonly attempt: Attempt;
  readonly startedAt: number;
  /** The `traceparent` of the work that this call came from without being part of its trace. */
  readonly link: string | undefined;
  /** Internal to the client's life, like the two below. */
  life: ClientLife | undefined = undefined;
  before: LiveCall | undefined = undefined;
  after: LiveCall | undefined = undefined;
  readonly #parent: ServedContext | undefined;
  #signal: AbortSignal | undefined;
  #abort: (() => void) | undefined;

  /** `deadlineMs` holds when neither the call nor its operation says otherwise. */
  constructor(member: Member, options: StreamOptions | undefined, deadlineMs: number, env: Env) {
    const { declared } = member;
    const now = env.now();
    const context = currentContext();
    // A handler that has settled passes nothing on: what still runs there is no longer part of the call.
    const parent = context === undefined || context.settled ? undefined : context;
    const own = instant(options?.deadline, now) ?? now + (declared.deadlineMs ?? deadlineMs);
    const totalAt = member.streaming ? (instant(options?.total, now) ?? Infinity) : Infinity;
    const trace = parent === undefined ? beginTrace(env) : childTrace(parent.trace, env);
    const key =
      options?.idempotencyKey ?? (declared.idempotent === "by-key" ? uuidv7(env) : undefined);
    this.startedAt = now;
    this.link =
      context !== undefined && parent === undefined ? context.trace.traceparent : undefined;
    this.#parent = parent;
    this.attempt = new Attempt(
      Math.min(own, parent?.endsAt ?? Infinity),
      Math.min(totalAt, parent?.endsAt ?? Infinity),
      trace,
      key,
      options?.headers,
    );
    this.attempt.beganAt = now;
    const lane = options?.lane;
    if (lane !== undefined) checkLane((this.attempt.lane = lane));
    else if (parent !== undefined) this.attempt.lane = parent.lane;
    if (options?.hashKey !== undefined) this.attempt.hashKey = options.hashKey;
    if (parent?.repeated === true) this.attempt.once = true;
    parent?.adopt(this.attempt);
    if (options?.signal !== undefined) this.#listen(options.signal);
  }

  /** The `traceparent` of the served call that made this one; undefined where a trace begins. */
  get parent(): string | undefined {
    return this.#parent?.trace.traceparent;
  }

  /** The call is over. */
  settle(): void {
    this.life?.end(this);
    this.#parent?.release(this.attempt);
    if (this.#abort !== undefined) this.#signal?.removeEventListener("abort", this.#abort);
  }

  #listen(signal: AbortSignal): void {
    if (signal.aborted) {
      this.attempt.cancel("caller", signal.reason);
      return;
    }
    this.#signal = signal;
    this.#abort = () => this.attempt.cancel("caller", signal.reason);
    signal.addEventListener("abort", this.#abort, { once: true });
  }
}

function instant(deadline: Duration | Deadline | undefined, now: number): number | undefined {
  if (deadline === undefined) return undefined;
  return deadline instanceof Deadline ? deadline.at : now + milliseconds(deadline);
}

/** The longest pause between items, as the options or else the operation says. */
export function idleMsOf(member: Member, options: StreamOptions | undefined): number {
  if (options?.idle !== undefined) return milliseconds(options.idle);
  return member.declared.idleMs ?? Infinity;
}

/** Headers are text by name; anything else would be lost or changed on its way. */
export function checkHeaders(headers: Readonly<Record<string, unknown>> | undefined): void {
  for (const name in headers) {
    if (typeof headers[name] === "string" && name === name.toLowerCase()) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `the header ${JSON.stringify(name)} must have a lower-case name and text as its value`,
      {
        executed: "no",
      },
    );
  }
}
