import { WireType, type BinaryReader } from "@bufbuild/protobuf/wire";

/** The wire types of proto3, by what they are for. */
export const wireTypes = { varint: 0, bits64: 1, length: 2, bits32: 5 } as const;

/** What stands before a field: its number, and how its value is written. */
export function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}

/**
 * How deep messages may lie in each other, as in other implementations of Protobuf: no peer can exhaust our stack, and
 * nothing is written that others would not read.
 */
export const depthMax = 100;

export function tooDeep(where: string): never {
  throw new RangeError(`${where}: more than ${depthMax} messages lie in each other`);
}

/** Reads the length of a part, and answers where it ends. */
export function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

/** By their three bits. Groups are skipped, and end nothing that is not one. */
const known: readonly (WireType | undefined)[] = [
  WireType.Varint,
  WireType.Bit64,
  WireType.LengthDelimited,
  WireType.StartGroup,
  undefined,
  WireType.Bit32,
];

/** Leaves out a field that nobody knows: what a newer peer has added, or writes in another way. */
export function skip(reader: BinaryReader, tag: number): void {
  if (tag >>> 3 === 0) throw new RangeError("0 is no number of a field");
  const wireType = known[tag & 7];
  if (wireType === undefined) throw new RangeError(`${tag & 7} is no wire type`);
  reader.skip(wireType, tag >>> 3, depthMax);
}

/** Refuses a part that ends elsewhere than its length says. */
export function endAt(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError("a message does not end where its length says");
}
