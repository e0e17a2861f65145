import type { Mutant } from "./mutant.ts";

const protobuf = "src/codec/protobuf";

/** Ways to break what a contract becomes in Protobuf. */
export const protobufMutants: readonly Mutant[] = [
  {
    name: "numbers-given-again",
    file: `${protobuf}/lock.ts`,
    find: "const known = { ...old?.reserved, ...old?.numbers };",
    replace: "const known = { ...old?.numbers };",
    because: "an old peer reads a new field as one that is gone",
    killedBy: "codec",
  },
  {
    name: "null-for-absent",
    file: `${protobuf}/model-of-shape.ts`,
    find: "if (described.nullable && optional)",
    replace: "if (described.nullable && optional && key === name.toUpperCase())",
    because: "a field that was not sent arrives as null, or the other way",
    killedBy: "codec",
  },
  {
    name: "unknown-choices-taken",
    file: `${protobuf}/type-codecs.ts`,
    find: "if (!values.has(number))",
    replace: "if (number < 0 && !values.has(number))",
    because: "the choice of a newer peer is lost without a word",
    killedBy: "codec",
  },
  {
    name: "depth-never-counted",
    file: `${protobuf}/message-codec.ts`,
    find: "return codec.read(reader, endOf(reader), depth + 1);",
    replace: "return codec.read(reader, endOf(reader), depth);",
    because: "a message of nothing but lengths fills the stack",
    killedBy: "codec",
  },
  {
    name: "ends-not-compared",
    file: `${protobuf}/wire.ts`,
    find: "if (reader.pos !== end) throw",
    replace: "if (reader.pos < end) throw",
    because: "a field reads what belongs to the next one",
    killedBy: "codec",
  },
  {
    name: "first-variant-taken",
    file: `${protobuf}/variants.ts`,
    find: "if (fit === 1) spare ??= fields[index];",
    replace: "if (fit === 1) return fields[index];",
    because: "a value loses the fields that only a later variant has",
    killedBy: "codec",
  },
  {
    name: "json-names-shared",
    file: `${protobuf}/model-of-shape.ts`,
    find: "speakable.test(key) ? key : unique(jsonNameOf(name), jsonNames)",
    replace: "speakable.test(key) ? key : jsonNameOf(name)",
    because: "the JSON of Connect has one name for two fields",
    killedBy: "codec",
  },
  {
    name: "lists-packed-as-one",
    file: `${protobuf}/message-reading.ts`,
    find: "while (reader.pos < end) list.push(codec.read(reader, depth));",
    replace: "if (reader.pos < end) list.push(codec.read(reader, depth));",
    because: "of a list of numbers the first arrives",
    killedBy: "codec",
  },
];
