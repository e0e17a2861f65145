import type { DeclaredError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import type { CallOperation } from "../contract/call.ts";
import type { CommandOperation } from "../contract/command.ts";
import type { info } from "../contract/contract.ts";
import type { DuplexOperation } from "../contract/duplex.ts";
import type { NotificationOperation } from "../contract/notification.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { StreamOperation } from "../contract/stream.ts";
import type { UploadOperation } from "../contract/upload.ts";
import type { ItemStream } from "./client-type.ts";
import type { Items } from "./items.ts";
import type { Publish, PublishInTransaction } from "./message-type.ts";

/**
 * What serves contract `C`: an object with a method for each operation, or an instance of a class that
 * `implements Handlers<typeof Orders>`. Methods are called on the object given. `Tx` is what the client of a store calls a transaction,
 * where they are served with one.
 */
export type Handlers<C, Tx = never> = C extends {
  readonly [info]: { readonly operations: infer Operations };
}
  ? {
      readonly [
        Name in keyof Operations as Operations[Name] extends ConsumedOperation ? never : Name
      ]: HandlerOf<Operations[Name], Publish<C>, Tx>;
    }
  : never;

/** Kinds that are not served by their owner: whoever wants them consumes them, with `on()`. */
interface ConsumedOperation {
  readonly kind: "event" | "document" | "gather";
}

/** A line for each kind. Commands, and calls that are idempotent by key, run in a transaction, where there is one. */
export type HandlerOf<T, P = NoPublish, Tx = never> =
  T extends CallOperation<infer In, infer Out, infer Errors, infer Again>
    ? CallHandler<In, Out, Errors, P, [Again] extends ["by-key"] ? Tx : never>
    : T extends StreamOperation<infer In, infer Out, infer Errors>
      ? StreamHandler<In, Out, Errors, P>
      : T extends NotificationOperation<infer In>
        ? NotificationHandler<In, P>
        : T extends UploadOperation<infer Head, infer In, infer Out, infer Errors>
          ? UploadHandler<Head, In, Out, Errors, P>
          : T extends DuplexOperation<infer Head, infer In, infer Out, infer Errors>
            ? DuplexHandler<Head, In, Out, Errors, P>
            : T extends CommandOperation<infer In, infer Out, infer Errors>
              ? CallHandler<In, Out, Errors, P, Tx>
              : never;

/** Nothing of the contract can be published. */
export interface NoPublish {}

/** Gets the input as the schema reads it, gives the answer as the schema takes it. */
export type CallHandler<In, Out, Errors, P = NoPublish, Tx = never> = (
  input: Output<In>,
  context: [Tx] extends [never] ? HandlerContext<Errors, P> : TransactionContext<Errors, P, Tx>,
) => Promise<Input<Out>> | Input<Out>;

/** Gives items; the next one is asked for only when the caller has room for it. */
export type StreamHandler<In, Out, Errors, P = NoPublish> = (
  input: Output<In>,
  context: HandlerContext<Errors, P>,
) => Items<Input<Out>> | Promise<Items<Input<Out>>>;

/**
 * Reads items, each as the schema reads it, and gives one answer: with it the upload is over, read to its end or not. The
 * items reject with CANCELLED when the caller stopped before they were complete, with INVALID_ARGUMENT at one that does not
 * match the contract; whoever lets that escape answers with it.
 */
export type UploadHandler<Head, In, Out, Errors, P = NoPublish> = (
  items: ItemStream<Output<In>>,
  context: HeadedContext<Head, Errors, P>,
) => Promise<Input<Out>> | Input<Out>;

/** Reads items as an upload's handler does, and gives items as a stream's does: with the last of them the duplex is over. */
export type DuplexHandler<Head, In, Out, Errors, P = NoPublish> = (
  items: ItemStream<Output<In>>,
  context: HeadedContext<Head, Errors, P>,
) => Items<Input<Out>> | Promise<Items<Input<Out>>>;

export type NotificationHandler<In, P = NoPublish> = (
  input: Output<In>,
  context: PublishingContext<P>,
) => Promise<void> | void;

/** A context from which messages of the contract can be published. */
export interface PublishingContext<P> extends Context {
  /** The events, documents, commands and gathers of the contract: `await publish.placed(order)`. */
  readonly publish: P;
}

/** The context of a served operation that declares `Errors`. */
export interface HandlerContext<Errors, P = NoPublish> extends PublishingContext<P> {
  /** Makes the declared errors: `throw errors.NOT_FOUND(id)`. */
  readonly errors: ErrorMakers<Errors>;
}

/**
 * The context of what runs in a transaction of a store: what is written by `tx` and published is there when it is committed, together
 * with the answer, or not at all. It is committed when the handler returns, and rolled back when it throws, a declared error too.
 */
export interface TransactionContext<Errors, P, Tx> extends HandlerContext<
  Errors,
  P & PublishInTransaction
> {
  /** What the user's client takes. */
  readonly tx: Tx;
}

/** The context of a served upload or duplex. */
export interface HeadedContext<Head, Errors, P = NoPublish> extends HandlerContext<Errors, P> {
  /** What it was begun with, as the schema reads it; nothing where the contract declares no head. */
  readonly head: Output<Head>;
}

/** One function for each declared code; what it makes says `executed: "yes"`. */
export type ErrorMakers<Errors> = {
  readonly [Code in keyof Errors]: (
    data: Input<Errors[Code]>,
  ) => DeclaredError<Code & string, Input<Errors[Code]>>;
};
