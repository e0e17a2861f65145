/** A number from 0 to 2^32 - 1 that stands for the text: FNV-1a over its UTF-16 units, spread by `mix32`. */
export function hash32(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return mix32(value);
}

/** Spreads neighbouring numbers over the whole range: the finaliser of MurmurHash3. */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Of the many values of one candidate the i-th. */
export function point32(hash: number, i: number): number {
  return mix32(hash ^ Math.imul(i, 0x9e3779b9));
}
