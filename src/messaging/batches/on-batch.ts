import { AsyncResource } from "node:async_hooks";
import { milliseconds } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Publish } from "../../call/message-type.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { DocumentOperation } from "../../contract/document.ts";
import type { EventOperation } from "../../contract/event.ts";
import type { Operation } from "../../contract/operation.ts";
import type { Output } from "../../contract/schema.ts";
import {
  subscriber,
  type ConsumeTerms,
  type MessageContext,
  type MessageInfo,
  type Subscriber,
} from "../on.ts";
import type { Verdict } from "../outcome.ts";
import { batchBounds, Collector, type BatchBounds, type BatchTerms } from "./collector.ts";

/** How messages are consumed in batches. */
export interface BatchConsumeTerms extends Omit<
  ConsumeTerms,
  "concurrency" | "store" | "consumer"
> {
  /** When a batch is complete: its count, its bytes, or how long the first message has waited, by default 100 ms. */
  readonly batch?: BatchTerms;
  /** Batches that are handled at once in this process, 1 to 100. Default 1: while it runs, the next one fills. */
  readonly batches?: number;
}

/** What a handler of batches knows of its messages. */
export interface BatchContext {
  /** In the order of the data. */
  readonly messages: readonly MessageInfo[];
  /** Aborts when the time of one of them is over, or its shard was lost. */
  readonly signal: AbortSignal;
  /** All of them are still being worked on. */
  heartbeat(): void;
  /** As that of a handler of single messages. */
  publisher<C extends AnyContract>(contract: C): Publish<C>;
}

/**
 * Returns when all are done; or one verdict for all; or a list with one for each, undefined for what is done. What it throws is a
 * failure of all of them: then each comes again alone, so that the one at fault is found and the others are done.
 */
export type BatchHandler<Data> = (
  batch: readonly Output<Data>[],
  context: BatchContext,
) => Promise<BatchVerdict> | BatchVerdict;

export type BatchVerdict = Verdict | readonly (Verdict | undefined)[] | void;

const batchesMax = 100;
/** So many milliseconds the first message waits for others, when nobody says otherwise. */
const lingerMs = 100;
const withinDefault = "30s";

interface Item {
  readonly data: never;
  readonly context: MessageContext;
  readonly settle: (verdict: Verdict | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Consumes an event in batches: `onBatch(Orders.placed, { group: "archive", batch: { count: 500, within: "1s" } }, async (orders) => …)`.
 * Each message keeps its own attempts, retries and dead letter. Of one key there is at most one in a batch, as those of a key are
 * handled one after the other.
 *
 * @throws TrunklineError INVALID_ARGUMENT as `on` does, and for bounds that cannot be meant.
 */
export function onBatch<Data>(
  operation: EventOperation<Data>,
  terms: BatchConsumeTerms & { readonly group: string },
  handler: BatchHandler<Data>,
): Subscriber;
/** Consumes a document in batches. */
export function onBatch<Data>(
  operation: DocumentOperation<Data>,
  terms: BatchConsumeTerms & { readonly group?: never },
  handler: BatchHandler<Data>,
): Subscriber;
export function onBatch(
  operation: Pick<Operation, "kind"> & Partial<Pick<Operation, "delivery">>,
  { batch, batches = 1, ...terms }: BatchConsumeTerms,
  handler: BatchHandler<never>,
): Subscriber {
  if (!Number.isInteger(batches) || batches < 1 || batches > batchesMax)
    throw refused(`batches is a number from 1 to ${batchesMax}, not ${batches}`);
  if (operation.delivery === "exactly-once")
    throw refused("each message that is processed exactly once has a transaction of its own");
  const bounds = batchBounds({ within: lingerMs, ...batch });
  const consuming: ConsumeTerms = {
    ...terms,
    concurrency: bounds.count * (batches + 1),
    within: milliseconds(terms.within ?? withinDefault) + bounds.lingerMs,
  };
  const made = subscriber(operation, consuming, ({ env }) =>
    batching(handler, bounds, batches, env),
  );
  return Object.freeze({
    ...made,
    outside: "a batch is handled at once, and each message has a transaction of its own",
  });
}

/** A handler of single messages that hands them on in batches, no more of them at once than `batches`. */
function batching(
  handler: BatchHandler<never>,
  bounds: BatchBounds,
  batches: number,
  env: Env,
): (data: never, context: MessageContext) => Promise<Verdict | undefined> {
  const waiting: (() => Promise<void>)[] = [];
  let running = 0;
  const next = (): void => {
    if (running >= batches) return;
    const run = waiting.shift();
    if (run === undefined) return;
    running++;
    void run().finally(() => {
      running--;
      next();
    });
  };
  const handle = (items: readonly Item[]): void => {
    waiting.push(() => handled(handler, items));
    next();
  };
  const collector = new Collector<Item & { readonly bound: typeof handle }>(bounds, env, (items) =>
    items[0]!.bound(items),
  );
  return async (data, context) => {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict | undefined>();
    const item: Item = { data, context, settle: resolve, fail: reject };
    // It has failed in company: alone it shows whether that was its fault.
    if (context.message.attempt > 1) handle([item]);
    // The handler runs in the trace of the first of its batch.
    else collector.add({ ...item, bound: AsyncResource.bind(handle) }, context.message.bytes);
    return promise;
  };
}

async function handled(handler: BatchHandler<never>, items: readonly Item[]): Promise<void> {
  const contexts = items.map(({ context }) => context);
  try {
    const said = await handler(
      items.map(({ data }) => data),
      {
        messages: contexts.map(({ message }) => message),
        signal: AbortSignal.any(contexts.map(({ signal }) => signal)),
        heartbeat: () => contexts.forEach((context) => context.heartbeat()),
        publisher: (contract) => contexts[0]!.publisher(contract),
      },
    );
    const verdicts = Array.isArray(said) ? (said as readonly (Verdict | undefined)[]) : undefined;
    if (verdicts !== undefined && verdicts.length !== items.length)
      throw systemError(
        "INTERNAL",
        `the handler gave ${verdicts.length} verdicts for ${items.length} messages`,
        { executed: "yes" },
      );
    items.forEach((item, index) =>
      item.settle(verdicts === undefined ? (said as Verdict | undefined) : verdicts[index]),
    );
  } catch (error) {
    for (const item of items) item.fail(error);
  }
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
