import type { Input } from "./schema.ts";

/** What an ordering key can be. */
export type KeyValue = string | number | boolean;

/**
 * True when the dotted path `Path` leads through every member of `T` to something that can be a key; optional and
 * nullable fields may lie on it. Where a member of a union has no such field, nothing would keep its order.
 */
type Leads<T, Path extends string> = 0 extends 1 & T // any
  ? true
  : [T] extends [readonly unknown[] | KeyValue]
    ? false
    : Path extends `${infer Field}.${infer Rest}`
      ? Field extends keyof T
        ? Leads<NonNullable<T[Field]>, Rest>
        : false
      : Path extends keyof T
        ? [NonNullable<T[Path]>] extends [KeyValue]
          ? true
          : false
        : false;

/** Every path to a key in `T`, four fields deep at most: only for messages and completion, never for a right key. */
type Paths<T, Depth extends readonly unknown[] = []> = Depth["length"] extends 4
  ? never
  : [T] extends [readonly unknown[] | KeyValue]
    ? never
    : {
        [Field in keyof T & string]-?: [NonNullable<T[Field]>] extends [KeyValue]
          ? Field
          : `${Field}.${Paths<NonNullable<T[Field]>, [...Depth, unknown]>}`;
      }[keyof T & string];

type NoKey<Path extends string> =
  `no key "${Path}": there is no field that is a string, number or boolean`;

/** `Path` when it is a key of what `S` takes; otherwise the keys there are, for the compiler's message and completion. */
export type Key<S, Path extends string> =
  Leads<NonNullable<Input<S>>, Path> extends true
    ? Path
    : [Paths<NonNullable<Input<S>>>] extends [never]
      ? NoKey<Path>
      : Paths<NonNullable<Input<S>>>;

/** The value at a dotted path, as text so that `7` and `"7"` are one key; `undefined` when a field on the way is absent or null. */
export function keyAt(path: string, input: unknown): string | undefined {
  let value: unknown = input;
  for (const field of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, field))
      return undefined;
    value = (value as Record<string, unknown>)[field];
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
