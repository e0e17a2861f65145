/*
 * Bytes that change hands instead of being copied. A codec for bytes sees them on their way out and on their way in; who makes them, and
 * who maps them, is further up.
 */

/** Smaller ones are copied out of the frame: that costs less than to ask. */
export const givenBytesMin: number = 64 * 1024;

/** Who never gives anything away does not pay for looking. */
let used = false;
const givers = new WeakMap<Uint8Array, () => Uint8Array>();

/** From here on, whoever sends `page` sends what `give` returns. */
export function givesAway(page: Uint8Array, give: () => Uint8Array): void {
  used = true;
  givers.set(page, give);
}

/** The bytes as they are sent: those of a page that is given away with it, otherwise the same. */
export function given(bytes: Uint8Array): Uint8Array {
  return used ? (givers.get(bytes)?.() ?? bytes) : bytes;
}

const keepable = new WeakSet<ArrayBufferLike>();

/** What stands in this memory stays as it is, and whoever reads it may keep it, though memory of frames is borrowed otherwise. */
export function mayBeKept(memory: ArrayBufferLike): void {
  keepable.add(memory);
}

export function isKeepable(memory: ArrayBufferLike): boolean {
  return keepable.has(memory);
}
