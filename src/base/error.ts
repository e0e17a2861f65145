import type { Executed, SystemCode } from "./outcome.ts";

const brand = Symbol.for("trunkline.error");

/** Everything that is known of a failure. Only `code`, `message` and `executed` are always there. */
export interface ErrorDetails {
  readonly executed: Executed;
  /** True when the contract declares the code; false for the codes of Trunkline. Default false. */
  readonly declared?: boolean;
  /** The data of a declared error, as its schema describes it. */
  readonly data?: unknown;
  /** `orders.place` */
  readonly operation?: string | undefined;
  /** The address that was called, without credentials. */
  readonly endpoint?: string | undefined;
  /** How often the request was tried, or the endpoint dialled when it never left. Default 1. */
  readonly attempts?: number;
  /** Milliseconds from the call to this failure. */
  readonly elapsedMs?: number | undefined;
  /** What the reader can do about it, one sentence. */
  readonly advice?: string | undefined;
  /** Names the report that the serving process made of an unexpected exception. */
  readonly id?: string | undefined;
  readonly cause?: unknown;
  /** After how many milliseconds it is worth trying again, as the server says; `never`: not at all. */
  readonly retryAfterMs?: number | "never" | undefined;
  /** The gate of this process or of the server that refused: `breaker`, `bulkhead`, `admission`… */
  readonly gate?: string | undefined;
  /** True: it speaks against the endpoint, others would fare alike; false: only against the request. Undefined: the code says. */
  readonly endpointFault?: boolean | undefined;
  /** What became of each attempt, the last one too, when there was more than one. */
  readonly tries?: readonly Try[] | undefined;
}

/** One attempt of a call that failed. */
export interface Try {
  readonly endpoint: string;
  readonly code: string;
  readonly executed: Executed;
  readonly reason: string;
  /** Milliseconds from the call to the beginning of the attempt, and to its end. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The one error of Trunkline: what happened, where, whether the work was done, and what to do.
 * Callers branch on `code` and `executed`; people read `message`.
 */
export class TrunklineError extends Error {
  override readonly name: string = "TrunklineError";
  readonly code: string;
  readonly executed: Executed;
  // What the message says already does not show again where an error is printed: these are not enumerable.
  declare readonly declared: boolean;
  declare readonly data: unknown;
  declare readonly operation: string | undefined;
  declare readonly endpoint: string | undefined;
  declare readonly attempts: number;
  declare readonly elapsedMs: number | undefined;
  declare readonly advice: string | undefined;
  declare readonly id: string | undefined;
  declare readonly retryAfterMs: number | "never" | undefined;
  declare readonly gate: string | undefined;
  declare readonly endpointFault: boolean | undefined;
  declare readonly tries: readonly Try[] | undefined;
  /** What happened, without code, place and advice. */
  declare readonly reason: string;

  constructor(code: string, reason: string, details: ErrorDetails) {
    const { executed, declared = false, data, operation, endpoint, attempts = 1 } = details;
    const { elapsedMs, advice, id, cause, retryAfterMs, gate, endpointFault, tries } = details;
    super(describe(code, reason, details), cause === undefined ? undefined : { cause });
    this.code = code;
    this.executed = executed;
    const told = { declared, operation, endpoint, attempts, elapsedMs, advice, id, reason };
    const quiet = { ...told, retryAfterMs, gate, endpointFault, tries };
    for (const [name, value] of Object.entries(quiet)) Object.defineProperty(this, name, { value });
    Object.defineProperty(this, "data", { value: data, enumerable: data !== undefined });
    Object.defineProperty(this, brand, { value: true });
  }

  /** Plain data for a log line; the cause only by its message, stacks never. */
  toJSON(): Record<string, unknown> {
    const { code, reason, executed, declared, data, operation, endpoint, attempts, elapsedMs } =
      this;
    const { advice, id, cause, retryAfterMs, gate, tries } = this;
    const told = cause instanceof Error ? cause.message : cause;
    return {
      code,
      executed,
      declared,
      reason,
      operation,
      endpoint,
      attempts,
      elapsedMs: elapsedMs === undefined ? undefined : toMicroseconds(elapsedMs),
      data,
      advice,
      id,
      retryAfterMs,
      gate,
      tries: tries?.map(({ fromMs, toMs, ...each }) => ({
        ...each,
        fromMs: toMicroseconds(fromMs),
        toMs: toMicroseconds(toMs),
      })),
      cause: told,
    };
  }

  /** True for errors of another copy of this package too: recognised by brand, not by prototype. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isTrunklineError(value);
  }
}

/** No clock is better than that, and nobody reads more digits. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** True for a `TrunklineError`, also one that another copy of this package made. */
export function isTrunklineError(value: unknown): value is TrunklineError {
  return typeof value === "object" && value !== null && brand in value;
}

/** An error whose code the contract declares. */
export interface DeclaredError<
  Code extends string = string,
  Data = unknown,
> extends TrunklineError {
  readonly code: Code;
  readonly declared: true;
  readonly data: Data;
}

/** An error that Trunkline raised. */
export interface SystemError extends TrunklineError {
  readonly code: SystemCode;
  readonly declared: false;
}

/** Makes an error of Trunkline's own, its code checked by the compiler. */
export function systemError(code: SystemCode, reason: string, details: ErrorDetails): SystemError {
  return new TrunklineError(code, reason, details) as SystemError;
}

/**
 * Adds what only the caller's side knows (operation, endpoint, attempts, time). The error keeps what it already says:
 * the innermost place is the true one.
 */
export function locate<E extends TrunklineError>(error: E, where: Partial<ErrorDetails>): E {
  const { declared, data, executed, advice, id, cause } = error;
  const located = new TrunklineError(error.code, error.reason, {
    ...where,
    executed,
    declared,
    data,
    advice: advice ?? where.advice,
    id,
    cause,
    operation: error.operation ?? where.operation,
    endpoint: error.endpoint ?? where.endpoint,
    attempts: Math.max(error.attempts, where.attempts ?? 1),
    elapsedMs: error.elapsedMs ?? where.elapsedMs,
    retryAfterMs: error.retryAfterMs ?? where.retryAfterMs,
    gate: error.gate ?? where.gate,
    endpointFault: error.endpointFault ?? where.endpointFault,
    tries: error.tries ?? where.tries,
  });
  return located as E;
}

function describe(code: string, reason: string, details: ErrorDetails): string {
  const { operation, endpoint, executed, attempts = 1, elapsedMs, advice, id } = details;
  const { gate, endpointFault, retryAfterMs } = details;
  const place = [operation, endpoint].filter((part) => part !== undefined).join(" → ");
  const facts = [`executed: ${executed}`];
  if (attempts > 1)
    facts.push(
      `attempts: ${attempts}${elapsedMs === undefined ? "" : ` in ${Math.round(elapsedMs)} ms`}`,
    );
  if (id !== undefined) facts.push(`report: ${id}`);
  if (gate !== undefined)
    facts.push(`refused by: ${gate}${endpointFault === undefined ? "" : " of the server"}`);
  if (retryAfterMs === "never") facts.push("not to be tried again");
  else if (retryAfterMs !== undefined) facts.push(`worth trying again after ${retryAfterMs} ms`);
  if (advice !== undefined) facts.push(advice);
  else if (executed === "no" && code === "UNAVAILABLE" && retryAfterMs === undefined)
    facts.push("safe to try again");
  const end = /[.!?]$/.test(reason) ? "" : ".";
  return `${code}${place === "" ? "" : ` ${place}`}: ${reason}${end}\n  ${facts.join(" · ")}`;
}
