/** Whatever may give items: an array, a set, a generator, a stream. */
export type Items<Item> = AsyncIterable<Item> | Iterable<Item>;

export type Iteration = AsyncIterator<unknown> | Iterator<unknown>;

/** True for whatever may give items. A text is one value: who gives it by mistake does not mean its letters. */
export function isItems(given: unknown): given is Items<unknown> {
  if ((typeof given !== "object" && typeof given !== "function") || given === null) return false;
  const items = given as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  return (
    typeof items[Symbol.asyncIterator] === "function" ||
    typeof items[Symbol.iterator] === "function"
  );
}

export function iteratorOf(items: Items<unknown>): Iteration {
  const source = items as Partial<AsyncIterable<unknown>> & Iterable<unknown>;
  return source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]();
}
