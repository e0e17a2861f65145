import type { Duration } from "../base/duration.ts";
import type { CallOperation } from "../contract/call.ts";
import type { info } from "../contract/contract.ts";
import type { NotificationOperation } from "../contract/notification.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { StreamOperation } from "../contract/stream.ts";

/** The operations of contract `C` as functions that return when it is done. Uploads, duplexes and messages are not among them. */
export type SyncClient<C> = C extends { readonly [info]: { readonly operations: infer Operations } }
  ? {
      readonly [
        Name in keyof Operations as Method<Operations[Name]> extends never ? never : Name
      ]: Method<Operations[Name]>;
    }
  : never;

type Method<T> =
  T extends CallOperation<infer In, infer Out, infer _Errors>
    ? (input: Input<In>, options?: SyncCallOptions) => Output<Out>
    : T extends NotificationOperation<infer In>
      ? (input: Input<In>, options?: SyncCallOptions) => void
      : T extends StreamOperation<infer In, infer Out, infer _Errors>
        ? (input: Input<In>, options?: SyncStreamOptions) => Output<Out>[]
        : never;

export interface SyncCallOptions {
  /** How long the thread may stand still for it. There is always one. Default: the operation's own, else the client's. */
  readonly deadline?: Duration;
  /** Sent beside the input; names in lower case. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The same for every try of one piece of work. Default: one made for this call. */
  readonly idempotencyKey?: string;
}

export interface SyncStreamOptions extends SyncCallOptions {
  /** More items than this are RESOURCE_EXHAUSTED: all of them are held until the last has come. Default 1,000. */
  readonly itemsMax?: number;
}
