import type { DeclaredError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import type { CallOperation } from "../contract/call.ts";
import type { info } from "../contract/contract.ts";
import type { NotificationOperation } from "../contract/notification.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { StreamOperation } from "../contract/stream.ts";

/**
 * What serves contract `C`: an object with a method for each operation, or an instance of a class that
 * `implements Handlers<typeof Orders>`. Methods are called on the object given.
 */
export type Handlers<C> = C extends { readonly [info]: { readonly operations: infer Operations } }
  ? { readonly [Name in keyof Operations]: HandlerOf<Operations[Name]> }
  : never;

/** A line for each kind. */
type HandlerOf<T> =
  T extends CallOperation<infer In, infer Out, infer Errors>
    ? CallHandler<In, Out, Errors>
    : T extends StreamOperation<infer In, infer Out, infer Errors>
      ? StreamHandler<In, Out, Errors>
      : T extends NotificationOperation<infer In>
        ? NotificationHandler<In>
        : never;

/** Gets the input as the schema reads it, gives the answer as the schema takes it. */
export type CallHandler<In, Out, Errors> = (
  input: Output<In>,
  context: HandlerContext<Errors>,
) => Promise<Input<Out>> | Input<Out>;

/** Gives items; the next one is asked for only when the caller has room for it. */
export type StreamHandler<In, Out, Errors> = (
  input: Output<In>,
  context: HandlerContext<Errors>,
) => Items<Input<Out>> | Promise<Items<Input<Out>>>;

export type Items<Item> = AsyncIterable<Item> | Iterable<Item>;

export type NotificationHandler<In> = (input: Output<In>, context: Context) => Promise<void> | void;

/** The context of a served operation that declares `Errors`. */
export interface HandlerContext<Errors> extends Context {
  /** Makes the declared errors: `throw errors.NOT_FOUND(id)`. */
  readonly errors: ErrorMakers<Errors>;
}

/** One function for each declared code; what it makes says `executed: "yes"`. */
export type ErrorMakers<Errors> = {
  readonly [Code in keyof Errors]: (
    data: Input<Errors[Code]>,
  ) => DeclaredError<Code & string, Input<Errors[Code]>>;
};
