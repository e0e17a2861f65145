/** A value that lies deeper than this is refused, in every format but JSON: whoever reads it may recurse. */
export const depthMax = 512;

/**
 * The value that JSON would carry, for formats that could carry more: `toJSON` is asked, `undefined` fields are left out,
 * what is no number becomes null, and what JSON refuses is refused. So what arrives does not depend on the format. Gives
 * back the value itself where it is plain already. `integer` may exchange whole numbers for what the format needs of them.
 */
export function plainValue(value: unknown, integer?: (value: number) => unknown): unknown {
  const plain = plainOf(value, "", 0, integer);
  if (plain === undefined) throw new TypeError(`a ${typeof value} has no JSON form`);
  return plain;
}

type Integer = ((value: number) => unknown) | undefined;

/** Undefined for what JSON leaves out. */
function plainOf(value: unknown, key: string, depth: number, integer: Integer): unknown {
  switch (typeof value) {
    case "string":
      return wellFormed(value);
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) return null;
      if (value === 0) return 0; // JSON knows no other
      return integer !== undefined && Number.isInteger(value) ? integer(value) : value;
    case "object":
      return value === null ? null : plainObject(value, key, depth, integer);
    case "bigint":
      return plainBigInt(value, key, depth, integer);
    default:
      return undefined;
  }
}

/** UTF-8 cannot say half of a character; JSON can, as an escape. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw new TypeError("a text holds half of a surrogate pair, which only JSON can carry");
}

interface Convertible {
  toJSON?: unknown;
}

function plainBigInt(value: bigint, key: string, depth: number, integer: Integer): unknown {
  const { toJSON } = value as Convertible;
  if (typeof toJSON !== "function") throw new TypeError("a bigint has no JSON form");
  return plainOf(Reflect.apply(toJSON, value, [key]), key, depth, integer);
}

function plainObject(value: object, key: string, depth: number, integer: Integer): unknown {
  if (depth >= depthMax) throw new RangeError(`the value is deeper than ${depthMax} levels`);
  const { toJSON } = value as Convertible;
  if (typeof toJSON === "function") {
    const told: unknown = Reflect.apply(toJSON, value, [key]);
    // What it answers is not asked again.
    if (typeof told !== "object" || told === null) return plainOf(told, key, depth, integer);
    return plainContents(told, depth, integer);
  }
  return plainContents(value, depth, integer);
}

/** `new Number(1)` and its kind: JSON writes what is in them. */
const boxes: ReadonlySet<string> = new Set(
  ["Number", "String", "Boolean"].map((name) => `[object ${name}]`),
);

function plainContents(value: object, depth: number, integer: Integer): unknown {
  if (Array.isArray(value)) return plainArray(value, depth, integer);
  if (boxes.has(Object.prototype.toString.call(value)))
    return plainOf(value.valueOf(), "", depth, integer);
  return plainFields(value as Record<string, unknown>, depth, integer);
}

function plainArray(items: readonly unknown[], depth: number, integer: Integer): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const plain = plainOf(item, String(index), depth + 1, integer) ?? null;
    if (copy === undefined && !Object.is(plain, item)) copy = items.slice(0, index);
    copy?.push(plain);
  }
  return copy ?? items;
}

function plainFields(
  fields: Readonly<Record<string, unknown>>,
  depth: number,
  integer: Integer,
): unknown {
  const names = Object.keys(fields);
  const prototype: unknown = Object.getPrototypeOf(fields);
  let copy = prototype === Object.prototype || prototype === null ? undefined : {};
  for (let at = 0; at < names.length; at++) {
    const name = names[at]!;
    const field = fields[name];
    const plain = plainOf(field, name, depth + 1, integer);
    wellFormed(name);
    if (copy === undefined && (plain === undefined || !Object.is(plain, field)))
      copy = copied(fields, names, at);
    if (copy !== undefined && plain !== undefined) setField(copy, name, plain);
  }
  return copy ?? fields;
}

/** The first `count` of the fields. */
function copied(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
  count: number,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (let at = 0; at < count; at++) setField(copy, names[at]!, fields[names[at]!]);
  return copy;
}

/** Sets a field as JSON.parse does: one that is called `__proto__` is a field like any other. */
export function setField(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") fields[name] = value;
  else
    Object.defineProperty(fields, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
}
