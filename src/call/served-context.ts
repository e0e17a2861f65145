import { AsyncLocalStorage, type AsyncResource } from "node:async_hooks";
import { Deadline } from "../base/deadline.ts";
import type { Env } from "../base/env.ts";
import { systemError, type SystemError, type TrunklineError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import type { SystemCode } from "../base/outcome.ts";
import type { Peer } from "../base/peer.ts";
import { Alarm } from "../base/timer-wheel.ts";
import { beginTrace, type TraceContext } from "../base/trace.ts";
import { isStreaming } from "../contract/kinds.ts";
import type { Cancellable, CancelReason } from "../protocol/attempt.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Within } from "../store/within.ts";
import type { HandlerItems } from "./handler-items.ts";

const storage = new AsyncLocalStorage<ServedContext | undefined>();

const refusals = new WeakSet<object>();

/** An error that reaches whoever has asked as it is, though it comes from where the handler runs: what it says of `executed` is true. */
export function asItIs(error: TrunklineError): TrunklineError {
  refusals.add(error);
  return error;
}

/** True for what `context.refuse` and `asItIs` made. */
export function isRefusal(error: unknown): boolean {
  return typeof error === "object" && error !== null && refusals.has(error);
}

/** The context of one served request. Everything that is rarely asked for is made when it is. */
export class ServedContext extends Alarm implements Context, Cancellable {
  readonly operation: Operation;
  readonly errors: object;
  readonly trace: TraceContext;
  /** What an upload or duplex was begun with, as its schema reads it. */
  head: unknown = undefined;
  /** The items that come after it. */
  items: HandlerItems | undefined = undefined;
  /** The handler has returned or thrown: nothing is inherited from here any more. */
  settled = false;
  readonly #incoming: Incoming;
  readonly #env: Env;
  #controller: AbortController | undefined;
  /** Work that stops when this is cancelled: calls made by the handler, the iterator of a stream. */
  #dependents: Set<Cancellable> | undefined;
  /** What is to be done when it has settled: turns that are given up. */
  #atEnd: (() => void)[] | undefined;

  constructor(operation: Operation, errors: object, incoming: Incoming, env: Env) {
    super();
    this.operation = operation;
    this.errors = errors;
    this.trace = incoming.trace ?? beginTrace(env);
    this.#incoming = incoming;
    this.#env = env;
    incoming.bind(this);
  }

  /** What else it has, by its name: see `contextWith`. */
  get slots(): readonly string[] {
    return [];
  }

  /** A call's own; where items flow there is one only when the caller asked for a total. */
  get deadline(): Deadline {
    return new Deadline(this.endsAt);
  }

  get endsAt(): number {
    const { totalAt, deadlineAt } = this.#incoming;
    return isStreaming(this.operation.kind) ? totalAt : deadlineAt;
  }

  get cancelled(): CancelReason | undefined {
    return this.#incoming.cancelled;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#incoming.headers;
  }

  get idempotencyKey(): string | undefined {
    return this.#incoming.idempotencyKey;
  }

  get lane(): string | undefined {
    return this.#incoming.lane;
  }

  /** It repeats an earlier request, or was made for one that does. */
  get repeated(): boolean {
    return this.#incoming.once;
  }

  get peer(): Peer {
    return this.#incoming.peer;
  }

  /** The transaction that it is handled in. */
  get within(): Within | undefined {
    return this.#incoming.within;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.cancelled !== undefined)
      controller.abort(reasonOf(this.cancelled, this.operation.name));
    else if (!this.settled) this.#env.set(this, this.endsAt);
    return controller.signal;
  }

  refuse(code: SystemCode, reason: string): SystemError {
    const error = systemError(code, reason, { executed: "no" });
    refusals.add(error);
    return error;
  }

  /** The deadline is over: whoever listens to the signal can stop. */
  ring(): void {
    this.#incoming.cancel("deadline");
  }

  cancel(reason: CancelReason): void {
    if (this.#controller !== undefined) {
      this.#env.clear(this); // a handler that heeds nothing must not keep the process until its deadline
      this.#controller.abort(reasonOf(reason, this.operation.name));
    }
    const dependents = this.#dependents;
    if (dependents === undefined) return;
    this.#dependents = undefined;
    for (const dependent of dependents) dependent.cancel(reasonForDependents(reason));
  }

  /** `work` is cancelled together with this call. */
  adopt(work: Cancellable): void {
    if (this.cancelled !== undefined) work.cancel(reasonForDependents(this.cancelled));
    else (this.#dependents ??= new Set()).add(work);
  }

  release(work: Cancellable): void {
    this.#dependents?.delete(work);
  }

  /** The handler has returned or thrown. */
  settle(): void {
    this.settled = true;
    this.items?.settle();
    this.#atEnd?.forEach((act) => act());
    if (this.#controller !== undefined) this.#env.clear(this);
  }

  /** Does it when all is over, the last item of a stream included. */
  atEnd(act: () => void): void {
    (this.#atEnd ??= []).push(act);
  }

  /** Runs `work` so that calls it makes inherit from this context, and nothing of what surrounds `scope`. */
  run<T>(scope: AsyncResource, work: (input: unknown, context: this) => T, input: unknown): T {
    return scope.runInAsyncScope(enter<T>, undefined, this, work, input);
  }
}

/** What a context is asked for by a name that is not its own: made when it is asked for, of the context itself. */
export type Slots = Readonly<Record<string, (context: ServedContext) => unknown>>;

/** Contexts that have these slots too: one class for a whole server, so that all its contexts are of one shape. */
export function contextWith(slots: Slots): typeof ServedContext {
  const names = Object.freeze(Object.keys(slots));
  const Extended = class extends ServedContext {
    override get slots(): readonly string[] {
      return names;
    }
  };
  for (const [name, make] of Object.entries(slots)) {
    Object.defineProperty(Extended.prototype, name, {
      get(this: ServedContext): unknown {
        return make(this);
      },
    });
  }
  return Extended;
}

/** The half of `storage.run` that costs: what was before is put back by the scope, not by a second frame. */
function enter<T>(
  context: ServedContext,
  work: (input: unknown, context: never) => T,
  input: unknown,
): T {
  storage.enterWith(context);
  return work(input, context as never);
}

/** For work that a handler has begun it makes no difference why the caller is gone. */
function reasonForDependents(reason: CancelReason): CancelReason {
  return reason === "deadline" ? "deadline" : "caller";
}

function reasonOf(reason: CancelReason, operation: string): SystemError {
  if (reason === "deadline") {
    return systemError("DEADLINE_EXCEEDED", "the caller's deadline is over", {
      executed: "maybe",
      operation,
    });
  }
  const why =
    reason === "peer"
      ? "the caller is gone"
      : reason === "shutdown"
        ? "the server is shutting down"
        : "the caller gave up";
  return systemError("CANCELLED", why, { executed: "maybe", operation });
}

/** The served call that the running code belongs to; undefined outside of one. */
export function currentContext(): ServedContext | undefined {
  return storage.getStore();
}

/** The trace that the running code belongs to: its `traceId` is the correlation id for any log line. */
export function currentTrace(): TraceContext | undefined {
  return storage.getStore()?.trace;
}

/**
 * Runs `work` outside of the served call: what it calls inherits neither deadline nor cancellation nor trace. For work
 * that is meant to outlive the answer.
 */
export function detached<T>(work: () => T): T {
  return storage.run(undefined, work);
}
