import { AsyncResource } from "node:async_hooks";
import { reportIncident } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import { intercept, type Context, type Interceptor } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import { parseTraceparent } from "../base/trace.ts";
import { attribute } from "../broker/attributes.ts";
import type { Outgoing } from "../broker/broker.ts";
import type { Member } from "../call/compile.ts";
import { errorMakers } from "../call/declared-errors.ts";
import { ServedContext } from "../call/served-context.ts";
import type { AnyContract } from "../contract/contract.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import { Incoming } from "../protocol/incoming.ts";
import type { Within } from "../store/within.ts";
import { noteOf, StepFailure } from "./failure-note.ts";
import type { Inbox } from "./inbox/inbox.ts";
import { dataOf } from "./message-text.ts";
import type { MessageInfo } from "./on.ts";
import { publishIn } from "./outbox/publish-in.ts";
import { verdictOf } from "./outcome.ts";
import type { RetryPolicy } from "./retry.ts";
import type { FailureNote, Outcome, Received, Work } from "./work.ts";

/** What running handlers of messages needs. */
export interface HandlingParts {
  /** Where the broker is, as peers are told apart. */
  readonly address: string;
  readonly interceptors: readonly Interceptor[];
  readonly retry: RetryPolicy;
  /** How a handler publishes; with `outputs` into them instead of to the broker. */
  readonly publisherOf: (contract: AnyContract, outputs: Outgoing[] | undefined) => object;
  /** What is published by the handler leaves in one transaction with the ack. */
  readonly transactional: boolean;
  /** Each message is handled in a transaction, in which it is marked as processed. Undefined: there is none. */
  readonly inbox?: Inbox | undefined;
  readonly env: Env;
}

/** What a handler is called with beside its message, as `MessageContext` describes it. */
class MessageServedContext extends ServedContext {
  readonly message: MessageInfo;
  readonly heartbeat: () => void;
  readonly publisher: (contract?: AnyContract) => object;
  readonly #received: Received;

  constructor(
    { operation }: Member,
    errors: object,
    incoming: Incoming,
    received: Received,
    publisher: (contract?: AnyContract) => object,
    env: Env,
  ) {
    super(operation, errors, incoming, env);
    this.#received = received;
    const { envelope, delivery, group, attempt } = received;
    const { id, subject, source, time, attributes } = envelope;
    const { redelivered, position } = delivery;
    this.message = {
      id,
      key: subject,
      source,
      time,
      group,
      attempt,
      redelivered: redelivered || attempt > 1,
      bytes: envelope.data.byteLength,
      attributes,
      position,
    };
    this.heartbeat = () => received.heartbeat();
    this.publisher = publisher;
  }

  override get signal(): AbortSignal {
    return this.#received.signal;
  }
}

/** The same in a transaction: `TransactionalContext`. */
class TransactionalServedContext extends MessageServedContext {
  // Fields, because interceptors may pass on a copy.
  readonly tx: unknown = this.within!.transaction.native;
  /** Of no contract in particular. */
  readonly publish: object = this.publisher();
}

/**
 * Runs a handler for a message: its data is checked against the contract, calls that it makes belong to the trace of whoever sent it,
 * and what it returns or throws becomes an outcome. `answer` gets what it returned, or the declared error that it threw, of a
 * gather: then that is its outcome.
 */
export function handlerWork(
  member: Member,
  handler: (data: unknown, context: unknown) => unknown,
  parts: HandlingParts,
  answer?: (received: Received, answered: Answered) => Promise<void>,
): Work {
  const { env, interceptors, inbox } = parts;
  const errors = errorMakers(member);
  const scope = new AsyncResource("trunkline.message", { requireManualDestroy: true });
  const peer: Peer = { address: parts.address, sameHost: false };
  const run = intercept(
    async (data: unknown, context: Context) => handler(data, context),
    interceptors,
  );
  return async (received) => {
    const read = await readData(member, received);
    if ("kind" in read) return read;
    const handle = async (within?: Within): Promise<Outcome> => {
      const outputs: Outgoing[] | undefined = parts.transactional ? [] : undefined;
      const incoming = incomingOf(received, peer, env);
      incoming.within = within;
      const publisher = (contract?: AnyContract): object =>
        within === undefined
          ? parts.publisherOf(contract!, outputs)
          : publishIn(inbox!.outbox, within.transaction, contract);
      const context =
        within === undefined
          ? new MessageServedContext(member, errors, incoming, received, publisher, env)
          : new TransactionalServedContext(member, errors, incoming, received, publisher, env);
      try {
        const returned = await context.run(scope, run, read.value);
        if (answer !== undefined && verdictOf(returned) === undefined) {
          await answer(received, { value: returned });
          return { kind: "done" };
        }
        const done = { kind: "done", ...(outputs === undefined ? {} : { outputs }) } as const;
        return outcomeOf(returned) ?? done;
      } finally {
        context.settle();
      }
    };
    try {
      return await (inbox === undefined ? handle() : inbox.outcome(received, handle));
    } catch (error) {
      return thrown(error, member, received, parts, answer);
    }
  };
}

/** What a handler of a gather said. */
export type Answered = { readonly value: unknown } | { readonly error: unknown };

async function thrown(
  error: unknown,
  { operation }: Member,
  received: Received,
  { retry, env }: HandlingParts,
  answer: ((received: Received, answered: Answered) => Promise<void>) | undefined,
): Promise<Outcome> {
  const said = outcomeOf(error);
  if (said !== undefined) return said;
  if (answer !== undefined) {
    try {
      await answer(received, { error });
      return { kind: "done" };
    } catch (failure) {
      return { kind: "retry", failure: noteOf(failure) };
    }
  }
  const failure = noteOf(error);
  // Told once for each message: what comes of its next attempts is told as messages are.
  if (received.attempt === 1) reportIncident({ id: uuidv7(env), operation: operation.name, error });
  const permanent =
    error instanceof StepFailure
      ? error.certain || retry.permanent(error.cause)
      : retry.permanent(error);
  return permanent ? { kind: "dead", failure } : { kind: "retry", failure };
}

/** What a handler said by `retryLater`, `reject` or `park`; undefined when it said nothing of that. */
function outcomeOf(value: unknown): Outcome | undefined {
  const verdict = verdictOf(value);
  if (verdict === undefined) return undefined;
  const { reason } = verdict;
  const note = (why: FailureNote["why"]): FailureNote => ({ why, code: why, reason });
  switch (verdict.verdict) {
    case "retry":
      return { kind: "retry", afterMs: verdict.afterMs, failure: note("failed") };
    case "reject":
      return { kind: "dead", failure: note("rejected") };
    case "park":
      return { kind: "dead", failure: note("parked") };
  }
}

async function readData(
  member: Member,
  received: Received,
): Promise<{ readonly value: unknown } | Outcome> {
  let data: unknown;
  try {
    data = dataOf(member, received);
  } catch (error) {
    const failure = noteOf(error);
    return { kind: "dead", failure: { ...failure, why: "malformed" } };
  }
  try {
    const checked = validate(member.declared.in, data);
    const valid = isPending(checked) ? await checked : checked;
    if (valid.issues === undefined) return { value: valid.value };
    const reason = `the data does not match the contract: ${explain(valid.issues)}`;
    return { kind: "dead", failure: { why: "invalid", code: "INVALID_ARGUMENT", reason } };
  } catch (cause) {
    // The schema's own code threw, which may be a passing trouble of what it asks.
    return {
      kind: "retry",
      failure: noteOf(
        systemError("INTERNAL", "the data could not be checked: its schema threw", {
          executed: "no",
          cause,
        }),
      ),
    };
  }
}

/** A message as the serving side sees requests: its deadline is its expiry, and its id is its idempotency key unless it has one. */
export function incomingOf({ envelope, attempt }: Received, peer: Peer, env: Env): Incoming {
  const { attributes, id } = envelope;
  const expiry = attributes[attribute.expirytime];
  const leftMs = expiry === undefined ? Infinity : Date.parse(expiry) - env.wall();
  const now = env.now();
  const trace = attributes[attribute.traceparent];
  const incoming = new Incoming(
    peer,
    now + (Number.isNaN(leftMs) ? Infinity : leftMs),
    Infinity,
    trace === undefined ? undefined : parseTraceparent(trace),
    attributes[attribute.idempotencykey] ?? id,
    {},
    now,
  );
  incoming.lane = attributes[attribute.lane];
  incoming.tries = attempt - 1;
  incoming.once = false;
  return incoming;
}
