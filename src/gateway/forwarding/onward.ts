import { hash } from "node:crypto";

import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import { beginTrace, childTrace } from "../../base/trace.ts";
import { Attempt, type Cancellable } from "../../protocol/attempt.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { Caller } from "../../protocol/protocol.ts";

/** How one request goes on from here. */
export interface Onward {
  readonly caller: Caller;
  /** What travels along, and the handle by which it is given up. */
  readonly attempt: Attempt;
  /**
   * Stands around the sending of a call or notification: it may answer without sending, or send copies beside. Absent: it is
   * just sent.
   */
  readonly around?:
    | ((input: unknown, send: () => Promise<unknown>) => Promise<unknown>)
    | undefined;
  /** Hears once that it is over. */
  readonly settled?: (() => void) | undefined;
}

/** Says where requests go. Asked once for each. */
export interface Director {
  /** Throws, or rejects with, a TrunklineError `executed: "no"` when the request is not to go on. */
  direct(operation: Operation, incoming: Incoming): Onward | Promise<Onward>;
}

/** What an attempt may differ in from the request that it continues. */
export interface Changes {
  /** The longest that it may take from its arrival, in milliseconds; its caller may have set less. */
  readonly deadlineMs: number;
  /** Instead of those that came. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Who asks, where `authorize` has found it out. */
  readonly caller?: string | undefined;
}

/** The deadline of requests whose caller has set none and of which no route says otherwise: that of any call, 10 s. */
export const deadlineMsDefault = 10_000;

/**
 * What of a caller's time is kept for the way back, in milliseconds: a twentieth, up to this. Without it both would give up in the same
 * instant, and the caller would never hear that nothing ran.
 */
const reserveMsMax = 50;

/**
 * The attempt by which a request goes on: with its deadline, idempotency key, headers, lane and count of tries, in its trace,
 * given up when it is.
 */
export function onwardAttempt(
  operation: Pick<Operation, "idempotent">,
  incoming: Incoming,
  { deadlineMs, headers = incoming.headers, caller }: Changes,
  env: Env,
): Attempt {
  const { deadlineAt, totalAt, trace, receivedAt } = incoming;
  const reserve = Math.min(reserveMsMax, Math.max(0, deadlineAt - receivedAt) / 20);
  const attempt = new Attempt(
    Math.min(deadlineAt - reserve, receivedAt + deadlineMs),
    totalAt,
    trace === undefined ? beginTrace(env) : childTrace(trace, env),
    // Without a key the tries from here on could not be recognised.
    keyOnward(incoming, caller) ?? (operation.idempotent === "by-key" ? uuidv7(env) : undefined),
    headers,
  );
  attempt.lane = incoming.lane;
  attempt.tries = incoming.tries;
  // Its caller repeats it already: were it repeated here too, the tiers would multiply.
  attempt.once = incoming.once || incoming.tries > 0;
  return attempt;
}

/**
 * The idempotency key as it goes on. Who serves it knows the peer by its keys, and from here all come as one: so that nobody gets the
 * answer of somebody else by his key, the keys of those who have shown who they are become theirs alone.
 */
function keyOnward(
  { idempotencyKey, peer: { certificate } }: Incoming,
  caller: string | undefined,
): string | undefined {
  if (idempotencyKey === undefined || (certificate === undefined && caller === undefined))
    return idempotencyKey;
  const whose = JSON.stringify([certificate?.subject ?? null, caller ?? null, idempotencyKey]);
  return hash("sha256", whose, "base64url");
}

/** For who is called from here it makes no difference why the caller is gone. */
export function cancelling(work: Cancellable): Cancellable {
  return { cancel: (reason) => work.cancel(reason === "deadline" ? "deadline" : "caller") };
}
