import type { Deadline } from "../base/deadline.ts";
import type { Duration } from "../base/duration.ts";
import type { CallOperation } from "../contract/call.ts";
import type { info } from "../contract/contract.ts";
import type { DuplexOperation } from "../contract/duplex.ts";
import type { NotificationOperation } from "../contract/notification.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { StreamOperation } from "../contract/stream.ts";
import type { UploadOperation } from "../contract/upload.ts";
import type { Items } from "./items.ts";
import type { MessageMethod } from "./message-type.ts";
import type { Result } from "./result-type.ts";

/** The functions by which one calls the operations of contract `C`: `Client<typeof Orders>`. */
export type Client<C> = C extends { readonly [info]: { readonly operations: infer Operations } }
  ? { readonly [Name in keyof Operations]: Method<Operations[Name]> }
  : never;

/** A line for each kind. */
type Method<T> =
  T extends CallOperation<infer In, infer Out, infer Errors>
    ? CallMethod<In, Out, Errors>
    : T extends StreamOperation<infer In, infer Out, infer _Errors>
      ? StreamMethod<In, Out>
      : T extends NotificationOperation<infer In>
        ? NotificationMethod<In>
        : T extends UploadOperation<infer Head, infer In, infer Out, infer Errors>
          ? UploadMethod<Head, In, Out, Errors>
          : T extends DuplexOperation<infer Head, infer In, infer Out, infer _Errors>
            ? DuplexMethod<Head, In, Out>
            : MessageMethod<T>;

export interface CallMethod<In, Out, Errors> {
  /** Resolves with the answer, rejects with a `TrunklineError`. */
  (input: Input<In>, options?: CallOptions): Promise<Output<Out>>;
  /** The same call, whose failures are values: never rejects with what the contract or Trunkline can say. */
  result(input: Input<In>, options?: CallOptions): Promise<Result<Output<Out>, Errors>>;
}

/** Begins when the first item is asked for; leaving the loop cancels it. */
export type StreamMethod<In, Out> = (
  input: Input<In>,
  options?: StreamOptions,
) => ItemStream<Output<Out>>;

/**
 * Sends items, which may be any iterable: the next one is asked for only when the server has room for it, and what gives them
 * is closed when it is left early.
 */
export interface UploadMethod<Head, In, Out, Errors> {
  /** Resolves with the answer, which may come before all items were sent; rejects with a `TrunklineError`. */
  (items: Items<Input<In>>, ...options: ItemsOptions<Head>): Promise<Output<Out>>;
  /** The same upload, whose failures are values: never rejects with what the contract or Trunkline can say. */
  result(
    items: Items<Input<In>>,
    ...options: ItemsOptions<Head>
  ): Promise<Result<Output<Out>, Errors>>;
}

/** Sends items like an upload while it reads others like a stream; leaving the loop ends both. */
export type DuplexMethod<Head, In, Out> = (
  items: Items<Input<In>>,
  ...options: ItemsOptions<Head>
) => ItemStream<Output<Out>>;

/** Resolves when the notification has left, which says nothing about whether it ran. */
export type NotificationMethod<In> = (input: Input<In>, options?: CallOptions) => Promise<void>;

export interface CallOptions {
  /**
   * A duration from now, or an instant. Default: the operation's own, else 10 s, else what is left to the call that is
   * being served when that is less.
   */
  readonly deadline?: Duration | Deadline | undefined;
  /** Cancels; the handler's `context.signal` aborts too. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Sent beside the input; names in lower case. Default: none, and never those of a call that is being served. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The same for every try of one piece of work, also across restarts. Default: one made for this call. */
  readonly idempotencyKey?: string | undefined;
  /**
   * The swim lane that the call goes in, through every hop: 1 to 64 letters, digits, dots, underscores or hyphens. Default:
   * that of the call that is being served, else the main one.
   */
  readonly lane?: string | undefined;
  /** Calls with the same one go to the same instance, with a balancer that knows of it: `ringHash`, `rendezvous`. Default none. */
  readonly hashKey?: string | undefined;
}

/**
 * Where items flow `deadline` bounds the time until the server accepts: its first item, or its readiness to take ours. What
 * comes after is bounded only when asked.
 */
export interface StreamOptions extends CallOptions {
  /** For the whole of it, from now. Default: none. */
  readonly total?: Duration | Deadline | undefined;
  /** The longest that the server is waited for: for its next item, or, in an upload, to take ours or to answer. Default: the operation's own, else none. */
  readonly idle?: Duration | undefined;
}

/** Of an upload or duplex that declares a head. */
export interface HeadOptions<Head> extends StreamOptions {
  /** Sent before the items, and checked before the handler begins. */
  readonly head: Input<Head>;
}

/** What follows the items: options, which must be there where a head must be. */
export type ItemsOptions<Head> = [Head] extends [undefined]
  ? [options?: StreamOptions]
  : [options: HeadOptions<Head>];

/** Items as they arrive, taken once. The peer sends no more than was asked for. */
export interface ItemStream<Item> {
  next(): Promise<IteratorResult<Item, undefined>>;
  /** No more are wanted: who gives them is told to stop. On a client that cancels the request. */
  return(): Promise<IteratorResult<Item, undefined>>;
  [Symbol.asyncIterator](): ItemStream<Item>;
  [Symbol.asyncDispose](): Promise<void>;
}
