/** Every dotted path to a text in `T`, through lists too, four fields deep at most. */
export type TextPath<T, Depth extends readonly unknown[] = []> = Depth["length"] extends 4
  ? never
  : T extends readonly (infer Item)[]
    ? TextPath<NonNullable<Item>, Depth>
    : T extends object
      ? {
          [Field in keyof T & string]-?: NonNullable<T[Field]> extends string
            ? Field
            : `${Field}.${TextPath<NonNullable<T[Field]>, [...Depth, unknown]>}`;
        }[keyof T & string]
      : never;

/** A copy in which the texts at the paths are `mask`; what is not there stays absent. Values beside the paths are shared. */
export function redacted(value: unknown, paths: readonly string[], mask: string): unknown {
  return paths.reduce<unknown>((copy, path) => masked(copy, path.split("."), mask), value);
}

function masked(value: unknown, [field, ...rest]: readonly string[], mask: string): unknown {
  if (field === undefined) return value === undefined || value === null ? value : mask;
  if (Array.isArray(value)) return value.map((item) => masked(item, [field, ...rest], mask));
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return value;
  const own = (value as Record<string, unknown>)[field];
  const inside = Array.isArray(own) && rest.length === 0 ? own.map(() => mask) : undefined;
  return { ...value, [field]: inside ?? masked(own, rest, mask) };
}
