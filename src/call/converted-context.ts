import type { Deadline } from "../base/deadline.ts";
import type { Context, OperationName } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import type { TraceContext } from "../base/trace.ts";
import type { Within } from "../store/within.ts";
import { currentContext } from "./served-context.ts";

/** The context of a request to an older version, as the handler of the newer one sees it: all of it, but what is said of the operation. */
export class ConvertedContext implements Context {
  readonly operation: OperationName;
  readonly errors: object;
  readonly head: unknown;
  readonly #of: Context;

  constructor(of: Context, operation: OperationName, errors: object, head: unknown) {
    this.#of = of;
    this.operation = operation;
    this.errors = errors;
    this.head = head;
    const served = currentContext();
    // What it has beside that is made for the operation whose handler asks.
    for (const name of served?.slots ?? [])
      Object.defineProperty(this, name, { get: () => Reflect.get(served!, name, this) as unknown });
  }

  get within(): Within | undefined {
    return currentContext()?.within;
  }

  get signal(): AbortSignal {
    return this.#of.signal;
  }

  get deadline(): Deadline {
    return this.#of.deadline;
  }

  get trace(): TraceContext {
    return this.#of.trace;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#of.headers;
  }

  get idempotencyKey(): string | undefined {
    return this.#of.idempotencyKey;
  }

  get lane(): string | undefined {
    return this.#of.lane;
  }

  get peer(): Peer {
    return this.#of.peer;
  }

  get refuse(): Context["refuse"] {
    return this.#of.refuse;
  }
}
