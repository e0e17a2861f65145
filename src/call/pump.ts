import type { TrunklineError } from "../base/error.ts";
import type { Schema } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Sink } from "../protocol/protocol.ts";
import type { ServedContext } from "./served-context.ts";

/**
 * Moves the items of a handler into the sink, one at a time and only when the reader has room for it.
 * `schema` checks each item before it is sent; the item itself is sent as it was given.
 *
 * Resolves with the failure of an item that could not be sent: it is final, and no exception of the handler.
 */
export async function pump(
  items: unknown,
  context: ServedContext,
  sink: Sink,
  schema: Schema | undefined,
): Promise<TrunklineError | undefined> {
  const iterator = iteratorOf(items);
  // A source that waits for something that never comes is told to stop when the reader is gone.
  const stop = { cancel: () => void stopped(iterator).catch(() => {}) };
  context.adopt(stop);
  let live = true; // the source has neither ended nor failed
  try {
    for (;;) {
      // Several may be told that there is room for one.
      while (!sink.ready && context.cancelled === undefined) await sink.whenReady();
      if (context.cancelled !== undefined) return undefined;
      live = false;
      const result = await iterator.next();
      if (result.done === true) return undefined;
      live = true;
      if (context.cancelled !== undefined) return undefined;
      if (schema !== undefined) {
        const checked = validate(schema, result.value);
        const valid = isPending(checked) ? await checked : checked;
        if (valid.issues !== undefined)
          throw new TypeError(`an item does not match the contract: ${explain(valid.issues)}`);
      }
      const failure = put(sink, result.value);
      if (failure !== undefined) return failure;
    }
  } finally {
    context.release(stop);
    if (live) await stopped(iterator);
  }
}

function put(sink: Sink, item: unknown): TrunklineError | undefined {
  try {
    sink.put(item);
    return undefined;
  } catch (failure) {
    return failure as TrunklineError;
  }
}

async function stopped(iterator: Iteration): Promise<void> {
  await iterator.return?.();
}

export type Iteration = AsyncIterator<unknown> | Iterator<unknown>;

/** The iterator of whatever may give the items of a stream. */
export function iteratorOf(items: unknown): Iteration {
  const source = items as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (typeof source?.[Symbol.asyncIterator] === "function") return source[Symbol.asyncIterator]!();
  if (typeof source?.[Symbol.iterator] === "function" && typeof items !== "string")
    return source[Symbol.iterator]!();
  throw new TypeError("the handler of a stream must return an iterable of items");
}
