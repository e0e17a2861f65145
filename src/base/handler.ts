import type { Deadline } from "./deadline.ts";
import type { SystemError } from "./error.ts";
import type { SystemCode } from "./outcome.ts";
import type { Peer } from "./peer.ts";
import type { TraceContext } from "./trace.ts";

/** The kinds that travel as messages, by a broker or what stands for one. */
export type MessageKind = "command" | "document" | "event" | "gather";

/** The interaction styles that an operation can have. */
export type Kind = DirectKind | MessageKind;

/** The kinds that go over a connection to who serves them. */
export type DirectKind = "call" | "stream" | "upload" | "duplex" | "notification";

/** Which operation runs, as data. */
export interface OperationName {
  /** `orders.place` */
  readonly name: string;
  readonly kind: Kind;
  /** The contract's name and full version. */
  readonly contract: string;
  readonly version: string;
}

/** What travels beside a request inside the process, on either side. */
export interface Context {
  readonly operation: OperationName;
  /** Aborts when the answer is no longer wanted: cancelled, deadline over, peer gone, forced shutdown. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly trace: TraceContext;
  /** What an upload or duplex was begun with, before its items; undefined for the other kinds. */
  readonly head: unknown;
  /** What the caller sent beside the input; names in lower case. Never inherited by further calls. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for all tries of one logical call; by it a handler recognises a repetition. */
  readonly idempotencyKey: string | undefined;
  /**
   * The swim lane that the request belongs to, as its first caller named it; undefined: the main one. Calls made by the
   * handler inherit it.
   */
  readonly lane: string | undefined;
  readonly peer: Peer;
  /**
   * Makes the error that says "refused before any work was done" (`executed: "no"`), the only way for a handler to
   * say so. Throw it before the first effect: the caller may then safely try elsewhere.
   */
  refuse(code: SystemCode, reason: string): SystemError;
}

/** Answers one request. Where the kind sends items, the input is an iterable of them; where it answers with items, the output. */
export type Handler<Input = unknown, Output = unknown> = (
  input: Input,
  context: Context,
) => Promise<Output>;

/** Wraps a handler with further behaviour: the extension point of users, on clients and servers alike. */
export type Interceptor = (next: Handler) => Handler;

/** Wraps `handler` so that a request passes the interceptors in the order of the list. */
export function intercept(handler: Handler, interceptors: readonly Interceptor[]): Handler {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), handler);
}
