import type { Deadline } from "../base/deadline.ts";
import type { Duration } from "../base/duration.ts";
import type { TrunklineError } from "../base/error.ts";
import type { CommandOperation } from "../contract/command.ts";
import type { info } from "../contract/contract.ts";
import type { DocumentOperation } from "../contract/document.ts";
import type { EventOperation } from "../contract/event.ts";
import type { GatherOperation } from "../contract/gather.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { Failure, Result } from "./result-type.ts";

/** The operations of contract `C` that are sent as messages, as functions: `context.publish`. */
export type Publish<C> = C extends { readonly [info]: { readonly operations: infer Operations } }
  ? {
      readonly [
        Name in keyof Operations as Operations[Name] extends MessageOperation ? Name : never
      ]: MessageMethod<Operations[Name]>;
    }
  : never;

interface MessageOperation {
  readonly kind: "event" | "document" | "command" | "gather";
}

/** A line for each kind. */
export type MessageMethod<T> =
  T extends EventOperation<infer Data>
    ? PublishMethod<Data>
    : T extends DocumentOperation<infer Data>
      ? PublishMethod<Data>
      : T extends CommandOperation<infer In, infer Out, infer Errors>
        ? CommandMethod<In, Out, Errors>
        : T extends GatherOperation<infer In, infer Out, infer Errors>
          ? GatherMethod<In, Out, Errors>
          : never;

/** Publishes an event, or sends a document. */
export interface PublishMethod<Data> {
  /**
   * Resolves when the broker has it, as its channel asks: `published.enqueued`. Rejects with a `TrunklineError`: `executed: "no"` when it
   * certainly has it not, `maybe` when no receipt came.
   */
  (data: Input<Data>, options?: PublishOptions): Promise<Published>;
  /** Resolves when the groups that are known have said what became of it, or `within` is over. */
  (data: Input<Data>, options: HandledOptions): Promise<Handled>;
  /** Publishes several in their order, in as few batches as may be; what failed stands in the place of its receipt. */
  many(
    data: Iterable<Input<Data>>,
    options?: PublishOptions,
  ): Promise<readonly (Published | TrunklineError)[]>;
}

export interface CommandMethod<In, Out, Errors> {
  /** Resolves when the command is enqueued; its reply is the handle's. Rejects as publishing does. */
  (input: Input<In>, options?: PublishOptions): Promise<CommandHandle<Out, Errors>>;
  /** The handle of a command that was sent before, by this process or another one: by its `token`. */
  resume(token: string): CommandHandle<Out, Errors>;
}

/** A command that was sent. Waiting for its reply can be left off, and begun again, anywhere, by its token. */
export interface CommandHandle<Out, Errors> {
  /** The id of its message. */
  readonly id: string;
  /** All that is needed to wait for its reply elsewhere. Text without secrets. */
  readonly token: string;
  /** Its token serves other processes, and this one after a restart. False: the broker keeps replies only for the process that has asked, as long as it lives. */
  readonly durable: boolean;
  /** Resolves with the reply; rejects with its declared error, or DEADLINE_EXCEEDED when none has come by then: wait again. */
  reply(options?: ReplyOptions): Promise<Output<Out>>;
  /** The same, its failures as values. */
  result(options?: ReplyOptions): Promise<Result<Output<Out>, Errors>>;
}

export interface ReplyOptions {
  /** How long to wait this time. Default 10 s. */
  readonly within?: Duration | Deadline | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks everybody; resolves with what has been answered when enough have, or the deadline is over. */
export type GatherMethod<In, Out, Errors> = (
  input: Input<In>,
  options?: GatherOptions,
) => Promise<Gathered<Output<Out>, Errors>>;

export interface GatherOptions extends PublishOptions {
  /** How many answers are enough: the first, a number of them, all groups that are known, or all that come. Default `all`. */
  readonly until?: "first" | "all" | "deadline" | number | undefined;
}

/** What came, and of whom. */
export interface Gathered<Value, Errors> {
  readonly answers: readonly Answer<Value>[];
  readonly failures: readonly AnswerFailure<Errors>[];
  /** Groups that are known, and have not answered. */
  readonly missing: readonly string[];
  /** Enough answered before the deadline. */
  readonly complete: boolean;
}

export interface Answer<Value> {
  /** The group that answered. */
  readonly from: string;
  readonly value: Value;
}

export interface AnswerFailure<Errors> {
  readonly from: string;
  readonly error: Failure<Errors>;
}

/** What can be published in a transaction: an event, a document, or a command, which leaves without a place for its reply. */
export interface OutboxOperation<Data> {
  readonly kind: "event" | "document" | "command";
  readonly in: Data;
}

/** Publishes a message as a part of a transaction: `await publish(Orders.placed, order)`. */
export type PublishInTransaction = <Data>(
  operation: OutboxOperation<Data>,
  data: Input<Data>,
  options?: PublishOptions,
) => Promise<Published>;

export interface PublishOptions {
  /** How long the receipt may take; of a gather, the answers. Default: the operation's own, else 10 s. */
  readonly deadline?: Duration | Deadline | undefined;
  /** Gives up waiting; what was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
  /** The id of the message: the same for every try of publishing it. Default: a new one. */
  readonly id?: string | undefined;
  /** CloudEvents extension attributes, by which consumers filter: names of lower-case letters and digits. Default none. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Not to be delivered before that, from now; only where the broker can delay. Default: at once. */
  readonly delay?: Duration | undefined;
  /** After that, from now, nobody wants it any more. Default: it does not expire. */
  readonly expires?: Duration | undefined;
  /** Higher ones go first, up to what the channel was declared with. Default 0. */
  readonly priority?: number | undefined;
  /** The swim lane that it belongs to. Default: that of the call that is being served. */
  readonly lane?: string | undefined;
  readonly receipt?: "enqueued" | undefined;
}

export interface HandledOptions extends Omit<PublishOptions, "receipt"> {
  readonly receipt: "handled";
  /** How long the groups are waited for. Default: the deadline. */
  readonly within?: Duration | undefined;
}

/** The receipt of a message. */
export interface Published {
  /** The id of the message. */
  readonly id: string;
  /** What is certain: the broker has it in memory, has stored it, or a majority of its replicas has. */
  readonly enqueued: "accepted" | "stored" | "replicated";
  /** Where it is, as the broker's own tools say it. */
  readonly position?: string | undefined;
}

/** What became of a message. */
export interface Handled extends Published {
  /** By group. `parked`: it is kept apart with the dead letters; `rejected`: the handler wants it never again. */
  readonly groups: Readonly<Record<string, "handled" | "rejected" | "parked">>;
  /** Groups that are known, and have said nothing in time. */
  readonly missing: readonly string[];
}
