import type { Duration } from "../base/duration.ts";
import { systemError } from "../base/error.ts";
import type { Env } from "../base/env.ts";
import type { Context } from "../base/handler.ts";
import type { StartAt } from "../broker/broker.ts";
import type { ErrorMakers } from "../call/handlers-type.ts";
import type { Publish, PublishInTransaction } from "../call/message-type.ts";
import type { AnyContract } from "../contract/contract.ts";
import { declarationsOf } from "../contract/contract.ts";
import type { DocumentOperation } from "../contract/document.ts";
import type { EventOperation } from "../contract/event.ts";
import type { GatherOperation } from "../contract/gather.ts";
import type { NoErrors, Operation } from "../contract/operation.ts";
import type { Store } from "../store/store.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { Verdict } from "./outcome.ts";
import type { RetryTerms } from "./retry.ts";
import type { Where } from "./where.ts";

/** How messages are consumed. `Tx` is what the client of the store calls a transaction. */
export interface ConsumeTerms<Tx = unknown> {
  /**
   * Who shares the messages: those of one group get each message once together. Required for events and gathers; a document has one receiver.
   * `false`, for events: no group, this process hears each by itself, from when it consumes on; nothing is kept for it, neither before nor after
   * that, nor are there dead letters. For what all replicas have to hear: a price, a setting, a cache to be emptied.
   */
  readonly group?: string | false;
  /** Handlers that run at once in this process. Default 16. With order, at most one for each key. */
  readonly concurrency?: number;
  /** Messages fetched and not yet settled. Default four times the concurrency. */
  readonly prefetch?: number;
  /** How long one attempt may take before its signal aborts and it counts as failed; `context.heartbeat()` begins it anew. Default 30 s. */
  readonly within?: Duration;
  /** What happens after a failure. Default: 3 more attempts soon, then 8 with growing pauses over an hour, then the dead letters. `false`: none. */
  readonly retry?: RetryTerms | false;
  /**
   * What becomes of the later messages of a key when one is dead. `park-key`: they follow it, in order, until it is redriven;
   * `park-message`: they go on; `stop-shard`: it is not given up, but tried again every half minute, and its shard stops until it is
   * handled, or its handler rejects it. Default `park-key` with order, else `park-message`.
   */
  readonly dead?: "park-key" | "park-message" | "stop-shard";
  /** Bounds of the dead letters, and how long they are kept. */
  readonly letters?: {
    /** Dead letters of one key, past which `trunkline:dead-letter` tells `full`. Nothing is dropped. Default 1,000. */
    readonly perKeyMax?: number;
    /** Dead letters of the group, past which the same is told; with twice as many a consumer with `park-key` takes no further shard. Default 10,000. */
    readonly max?: number;
    /** After that long a dead letter is gone. Refused with `park-key`, where later ones would overtake it. Default: it stays until somebody redrives it. */
    readonly expires?: Duration;
  };
  /** Which messages are wanted; the others count as done. Default all. */
  readonly where?: Where;
  /** Ids of messages that were handled and are remembered, so that a second delivery does nothing. 0: none. Default 100,000. */
  readonly remembered?: number;
  /** Where a group begins that the broker does not know yet. Default `new`. */
  readonly from?: StartAt;
  /**
   * Each message is handled in a transaction of this store, in which it is marked as processed: what the handler writes by `tx` and
   * publishes is committed with the mark, or not at all, and a message that comes again does nothing. It is acknowledged after the
   * commit. Default: none.
   */
  readonly store?: Store<Tx>;
  /**
   * Under which name messages are marked in the store: once it is in use, another name handles again what comes again. At most 200
   * characters. Default: the group and the operation, `billing orders@1/placed`.
   */
  readonly consumer?: string;
}

/** What a handler knows of its message, beside what it knows of any request. */
export interface MessageContext<Errors = NoErrors> extends Context {
  readonly message: MessageInfo;
  /** Makes the declared errors of a gather: `throw errors.NOT_OURS(parcel)`. */
  readonly errors: ErrorMakers<Errors>;
  /**
   * Publishes the messages of a contract by the same broker: `await publisher(Billing).invoiced(invoice)`. In a consumer that
   * processes exactly once they leave together with its being done, or not at all.
   */
  publisher<C extends AnyContract>(contract: C): Publish<C>;
  /** It is still being worked on: its time begins anew. */
  heartbeat(): void;
}

/** What a handler knows that runs in a transaction. It is committed when the handler returns; what it throws, and each verdict, rolls it back. */
export interface TransactionalContext<Tx> extends MessageContext {
  /** What the user's client takes. */
  readonly tx: Tx;
  /** Publishes as a part of the transaction; so does `publisher`. */
  readonly publish: PublishInTransaction;
}

export interface MessageInfo {
  /** The same for every delivery of the message. */
  readonly id: string;
  /** The ordering key; undefined: none. */
  readonly key: string | undefined;
  /** Who sent it, a URI reference. */
  readonly source: string;
  /** When it was sent, in milliseconds since 1970. */
  readonly time: number;
  /** The group by which it came. */
  readonly group: string;
  /** Which attempt this is; 1 is the first. */
  readonly attempt: number;
  readonly redelivered: boolean;
  /** The size of its data as it came. */
  readonly bytes: number;
  /** CloudEvents extension attributes. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Where it is, as the broker's own tools say it. */
  readonly position: string | undefined;
}

/** Returns when it is done. What it throws is a failure, told as an incident, after which it is tried again; `retryLater`, `reject` and `park` say more. */
export type MessageHandler<Data, Tx = never> = (
  data: Output<Data>,
  context: [Tx] extends [never] ? MessageContext : TransactionalContext<Tx>,
) => Promise<Verdict | void> | Verdict | void;

/** Answers a question for its group; a declared error is an answer too. */
export type GatherHandler<In, Out, Errors> = (
  input: Output<In>,
  context: MessageContext<Errors>,
) => Promise<Input<Out>> | Input<Out>;

/** What consumes an operation, for `chassis({ serve: [on(…)] })`. */
export interface Subscriber {
  readonly contract: AnyContract;
  readonly member: string;
  readonly operation: Operation;
  readonly terms: ConsumeTerms;
  /** Makes its handler for one process, before that begins to consume. */
  readonly handlerIn: (consuming: Consuming) => SubscriberHandler;
  /** Where its steps lead to: what they publish leaves in one transaction with the ack where the broker can. */
  readonly to?: Pick<Subscriber, "contract" | "member"> | undefined;
  /** Why its messages cannot be handled in transactions of a store, each in its own; undefined: they can. */
  readonly outside?: string | undefined;
}

export type SubscriberHandler = (data: never, context: never) => unknown;

/** A process that consumes; the same object for all that it consumes. */
export interface Consuming {
  readonly env: Env;
  /** Aborts when the process has stopped to consume. */
  readonly stopped: AbortSignal;
}

/** Consumes a document: each goes to one of all who do. */
export function on<Data, Tx = never>(
  operation: DocumentOperation<Data>,
  terms: ConsumeTerms<Tx> & { readonly group?: never },
  handler: MessageHandler<Data, NoInfer<Tx>>,
): Subscriber;
/** Answers a gather for a group: each group answers once. */
export function on<In, Out, Errors>(
  operation: GatherOperation<In, Out, Errors>,
  terms: ConsumeTerms & { readonly group: string; readonly store?: never },
  handler: GatherHandler<In, Out, Errors>,
): Subscriber;
/**
 * Consumes an event, as one of a group: `on(Orders.placed, { group: "billing" }, async (order) => …)`, or in each process: `group: false`.
 * Nothing runs before it is given to `chassis({ messages, serve: [on(…)] })`. It stands last because the compiler tells of the last one when none fits.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what is not an operation of a contract, has no group and needs one, or has no handler.
 */
export function on<Data, Tx = never>(
  operation: EventOperation<Data>,
  terms: ConsumeTerms<Tx> & { readonly group: string | false },
  handler: MessageHandler<Data, NoInfer<Tx>>,
): Subscriber;
export function on(
  operation: Pick<Operation, "kind">,
  terms: ConsumeTerms,
  handler: SubscriberHandler,
): Subscriber {
  // Node runs what has not been checked: without this, each message would fail, and be a dead letter in the end.
  if (typeof handler !== "function")
    throw refused(
      "there is no handler",
      "write on(Orders.placed, { group }, handler); of a document, {}",
    );
  return subscriber(operation, terms, () => handler);
}

/** The same, with a handler that is made for each process. @throws TrunklineError INVALID_ARGUMENT as `on` does. */
export function subscriber(
  operation: Pick<Operation, "kind">,
  terms: ConsumeTerms,
  handlerIn: Subscriber["handlerIn"],
): Subscriber {
  const { kind } = operation;
  const [declaration, second] = declarationsOf(operation);
  if (declaration === undefined)
    throw refused("this is not an operation of a contract", "write on(Orders.placed, …)");
  const { contract, member } = declaration;
  if (second !== undefined)
    throw refused(
      `${member} is declared in several contracts`,
      "declare an operation of its own in each contract",
    );
  if (kind !== "event" && kind !== "document" && kind !== "gather")
    throw refused(`a ${kind} is served, not consumed`, `serve it: serve(contract, { ${member} })`);
  if (kind === "event" && terms.group === false) {
    if (terms.store !== undefined)
      throw refused(
        `${member} is heard by each process, and marked in one database`,
        "name a group, or leave the store away",
      );
  } else if (kind === "document" ? terms.group !== undefined : !named(terms.group))
    throw refused(
      kind === "document"
        ? `a document has no groups: each goes to one of all who consume ${member}`
        : `the group ${JSON.stringify(terms.group)} is no name: each ${kind} goes once to each group`,
      kind === "document"
        ? "leave group away"
        : `name it with a-z, A-Z, 0-9, "-" and "_": { group: "billing" }${kind === "event" ? "; false: each process hears it" : ""}`,
    );
  return Object.freeze({ contract, member, operation: operation as Operation, terms, handlerIn });
}

/** True for what `on()` made. */
export function isSubscriber(value: object): value is Subscriber {
  return "handlerIn" in value && "operation" in value;
}

function named(group: string | false | undefined): boolean {
  return typeof group === "string" && /^[A-Za-z0-9_-]{1,100}$/.test(group);
}

function refused(reason: string, advice: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}
