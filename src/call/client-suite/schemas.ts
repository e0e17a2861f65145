import type { Issue, Schema, Validation } from "../../contract/schema.ts";

/** A Standard Schema from a function: the suite brings no library along. */
function schema<In, Out>(
  validate: (value: unknown) => Validation<Out> | Promise<Validation<Out>>,
): Schema<In, Out> {
  return { "~standard": { version: 1, vendor: "suite", validate } };
}

function refused(message: string): { readonly issues: readonly Issue[] } {
  return { issues: [{ message }] };
}

export const text: Schema<string> = schema((value) =>
  typeof value === "string" ? { value } : refused("expected text"),
);

export const number: Schema<number> = schema((value) =>
  typeof value === "number" ? { value } : refused("expected a number"),
);

/** Anything that is said to be a `T`. */
export function any<T>(): Schema<T> {
  return schema((value) => ({ value: value as T }));
}

/** Takes a number, hands on the next one, and counts how often it did. */
export class Counting {
  runs = 0;
  readonly schema: Schema<number, number> = schema((value) => {
    this.runs++;
    return typeof value === "number" ? { value: value + 1 } : refused("expected a number");
  });
}

/** Checks a value in its own time: `wait` says how long. */
export function slow<T>(wait: (value: T) => Promise<void>): Schema<T> {
  return schema(async (value) => {
    await wait(value as T);
    return { value: value as T };
  });
}

/** A schema whose own code throws. */
export function throwing<T>(message: string, when: (value: T) => boolean = () => true): Schema<T> {
  return schema((value) => {
    if (when(value as T)) throw new Error(message);
    return { value: value as T };
  });
}
