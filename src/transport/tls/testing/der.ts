// As much of DER (X.690) as a certificate needs: each function makes one value, with its tag and its length.

type Make = (...parts: readonly Buffer[]) => Buffer;

export const sequence: Make = (...parts) => value(0x30, ...parts);
export const setOf: Make = (...parts) => value(0x31, ...parts);
export const octetString = (bytes: Buffer): Buffer => value(0x04, bytes);
export const bitString = (bytes: Buffer): Buffer => value(0x03, Buffer.of(0), bytes);
export const bool = (yes: boolean): Buffer => value(0x01, Buffer.of(yes ? 0xff : 0));
export const utf8 = (text: string): Buffer => value(0x0c, Buffer.from(text));
export const utcTime = (text: string): Buffer => value(0x17, Buffer.from(text));

/** A small number that is not negative. */
export function integer(number: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(number, 1);
  let from = 0;
  while (from < 4 && bytes[from] === 0 && bytes[from + 1]! < 0x80) from++;
  return value(0x02, bytes.subarray(from));
}

export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  return value(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

/** A value in a field that has a number, with its own tag inside. */
export function explicit(field: number, inner: Buffer): Buffer {
  return value(0xa0 + field, inner);
}

/** A value in a field that has a number, in the place of its own tag. */
export function tagged(field: number, bytes: Buffer): Buffer {
  return value(0x80 + field, bytes);
}

/** The four or sixteen bytes of an IP address. */
export function ipBytes(ip: string): Buffer {
  if (!ip.includes(":")) return Buffer.from(ip.split(".").map(Number));
  const [head = "", tail] = ip.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const after = groups(tail ?? "");
  const gap = tail === undefined ? 0 : 8 - groups(head).length - after.length;
  const all = [...groups(head), ...Array.from({ length: gap }, () => "0"), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function base128(number: number): number[] {
  const bytes = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function value(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const bytes = length < 0x80 ? [length] : [0x82, length >>> 8, length & 0xff];
  if (length >= 0x80 && length < 0x100) bytes.splice(0, 3, 0x81, length);
  return Buffer.concat([Buffer.of(tag, ...bytes), body]);
}
