/** Tells what must be waited for, as `await` does it, from what is there: to wait for nothing costs a turn of the microtasks. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    typeof (value as Partial<PromiseLike<unknown>>).then === "function"
  );
}
