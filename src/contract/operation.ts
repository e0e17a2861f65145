import { milliseconds, type Duration } from "../base/duration.ts";
import type { Guarantee } from "../base/guarantee.ts";
import type { Kind } from "../base/handler.ts";
import type { SystemCode } from "../base/outcome.ts";
import { codecOf, type Codec } from "./bytes.ts";
import type { Schema, StandardSchema } from "./schema.ts";

/**
 * Whether doing it twice is the same as doing it once.
 *
 * - `false` (the default, because nothing is lost by it): repeated only when it certainly did not run.
 * - `true`: it may be repeated, also when it perhaps ran.
 * - `"by-key"`: the serving side recognises a repetition by the call's idempotency key.
 */
export type Idempotency = boolean | "by-key";

/** What every kind of operation says beside its schemas. */
export interface Terms {
  readonly idempotent: Idempotency;
  /** Dotted path to the field of the input, or of the head, by which order is kept; none: no order is promised. */
  readonly key: string | undefined;
  /** How often a message takes effect at who consumes it; undefined for kinds that are no messages. */
  readonly delivery: Guarantee | undefined;
  /** The default deadline of a call of this operation, or of being accepted; `NaN` never leaves `contract()`. None: the client's default. */
  readonly deadlineMs: number | undefined;
  /** The longest pause between two items. None: keep-alive and cancellation guard it. */
  readonly idleMs: number | undefined;
  readonly description: string | undefined;
  /** How each payload travels: decided by its schema (`bytes()` is raw). */
  readonly codec: { readonly head: Codec; readonly in: Codec; readonly out: Codec };
}

/** Any operation, as the layers above read it at run time. */
export interface Operation extends Terms {
  readonly kind: Kind;
  /** Of what is sent before the items of an upload or duplex. */
  readonly head: Schema | undefined;
  /** Of the input; of one item where the kind sends many. */
  readonly in: Schema | undefined;
  /** Of the answer; of one item where the kind answers with many. */
  readonly out: Schema | undefined;
  /** Declared code → schema of its data; `undefined`: the error has no data. */
  readonly errors: Readonly<Record<string, Schema | undefined>>;
}

/** What each code of `Errors` must hold; where the code itself is wrong, the sentence that the compiler shows. */
export type ErrorSchemas<Errors> = {
  readonly [Code in keyof Errors]: Code extends SystemCode
    ? `${Code} is raised by Trunkline itself: declare a code of your own`
    : Code extends Uppercase<Code & string>
      ? StandardSchema | undefined
      : `${Code & string} must be written in UPPER_SNAKE`;
};

/** No declared errors. */
export interface NoErrors {}

/** What a kind's own function was given, before defaults. */
export interface Given {
  readonly head?: unknown;
  readonly in?: unknown;
  readonly out?: unknown;
  readonly errors?: unknown;
  readonly idempotent?: Idempotency;
  readonly key?: string;
  readonly delivery?: Guarantee;
  readonly deadline?: Duration;
  readonly idle?: Duration;
  readonly description?: string;
}

/** Frozen plain data of one operation. Checks nothing: `contract()` reports all problems of all operations at once. */
export function operation(kind: Kind, given: Given): Operation {
  return Object.freeze({
    kind,
    head: given.head as Schema | undefined,
    in: given.in as Schema | undefined,
    out: given.out as Schema | undefined,
    errors: Object.freeze({ ...(given.errors as Operation["errors"]) }),
    idempotent: given.idempotent ?? false,
    key: given.key,
    delivery: given.delivery,
    deadlineMs: durationMs(given.deadline),
    idleMs: durationMs(given.idle),
    description: given.description,
    codec: Object.freeze({
      head: codecOf(given.head),
      in: codecOf(given.in),
      out: codecOf(given.out),
    }),
  });
}

function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  try {
    return milliseconds(duration);
  } catch {
    return Number.NaN;
  }
}
