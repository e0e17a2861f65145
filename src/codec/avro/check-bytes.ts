import avsc, { type Type, type types } from "avsc";
import { depthMax } from "../plain-value.ts";

/** Items that take no bytes (nulls, empty records), of which a list may have so many beyond one for each byte. */
const weightlessMax = 10_000;

/** Where reading has come to. */
interface Place {
  readonly memory: Buffer;
  readonly to: number;
  at: number;
  depth: number;
  /** How many more items there may be. */
  items: number;
}

type Step = (place: Place) => void;

/**
 * Makes the look at bytes before anything is made of them: it throws unless they are one value of `type`, with lengths that
 * are true and no deeper than `depthMax`. The library believes what it is told.
 */
export function checkOf(type: Type): (memory: Buffer, from: number, to: number) => void {
  const step = stepOf(type, new Map());
  return (memory, from, to) => {
    const place: Place = { memory, to, at: from, depth: 0, items: to - from + weightlessMax };
    step(place);
    if (place.at < to) throw new RangeError(`${to - place.at} bytes follow the value`);
  };
}

function stepOf(type: Type, made: Map<Type, Step>): Step {
  const known = made.get(type);
  if (known !== undefined) return known;
  made.set(type, (place) => made.get(type)!(place)); // for types that hold themselves
  const step = newStep(type, made);
  made.set(type, step);
  return step;
}

function newStep(type: Type, made: Map<Type, Step>): Step {
  const { typeName } = type;
  if (typeName.startsWith("logical:"))
    return stepOf((type as types.LogicalType).underlyingType, made);
  switch (typeName) {
    case "null":
      return () => {};
    case "boolean":
      return (place) => forward(place, 1);
    case "int":
    case "long":
    case "abstract:long":
      return (place) => void long(place);
    case "float":
      return (place) => forward(place, 4);
    case "double":
      return (place) => forward(place, 8);
    case "string":
    case "bytes":
      return text;
    case "fixed": {
      const { size } = type as types.FixedType;
      return (place) => forward(place, size);
    }
    case "enum": {
      const { symbols } = type as types.EnumType;
      return (place) => void choice(place, symbols.length);
    }
    case "array":
      return blocks(stepOf((type as types.ArrayType).itemsType, made));
    case "map": {
      const values = stepOf((type as types.MapType).valuesType as Type, made);
      return blocks((place) => {
        key(place);
        values(place);
      });
    }
    default:
      return nested(type, made);
  }
}

/** Of records and unions. */
function nested(type: Type, made: Map<Type, Step>): Step {
  if (avsc.Type.isType(type, "record", "error")) {
    const fields = (type as types.RecordType).fields.map((field) => stepOf(field.type, made));
    return (place) => {
      deeper(place);
      for (const field of fields) field(place);
      place.depth--;
    };
  }
  const branches = (type as types.WrappedUnionType).types.map((branch) => stepOf(branch, made));
  return (place) => branches[choice(place, branches.length)]!(place);
}

function blocks(item: Step): Step {
  return (place) => {
    deeper(place);
    for (let count = long(place); count !== 0; count = long(place)) {
      if (count < 0) {
        count = -count;
        long(place); // the bytes of the block, for who wants to pass over it
      }
      place.items -= count;
      if (place.items < 0) throw new RangeError("there are more items than bytes");
      for (let left = count; left > 0; left--) item(place);
    }
    place.depth--;
  };
}

function deeper(place: Place): void {
  if (++place.depth > depthMax) throw new RangeError(`the value is deeper than ${depthMax} levels`);
}

function text(place: Place): void {
  const bytes = long(place);
  if (bytes < 0) throw new RangeError("a length is below nothing");
  forward(place, bytes);
}

/** The library would set it as the prototype. */
function key(place: Place): void {
  const from = place.at;
  text(place);
  if (place.memory.toString("latin1", from + 1, place.at) === "__proto__")
    throw new TypeError("a field is called __proto__");
}

function choice(place: Place, count: number): number {
  const index = long(place);
  if (index < 0 || index >= count) throw new RangeError(`there is no choice ${index}`);
  return index;
}

function forward(place: Place, bytes: number): void {
  place.at += bytes;
  if (place.at > place.to) throw truncated();
}

/** A whole number of at most ten bytes. */
function long(place: Place): number {
  let value = 0;
  let weight = 1;
  for (let length = 0; ; length++, weight *= 128) {
    if (place.at >= place.to) throw truncated();
    if (length === 10) throw new RangeError("a number has more than 64 bits");
    const byte = place.memory[place.at++]!;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

function truncated(): Error {
  return new RangeError("the value is not complete");
}
