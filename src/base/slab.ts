/**
 * The size of a slab in bytes: 64 KiB and 1 KiB more, so that a frame with 64 KiB of payload and its headers fits.
 */
export const slabBytes: number = 65 * 1024;

/** Slabs that are kept for reuse, 8 MiB in all; more than that are left to the garbage collector. */
const freeSlabsMax = 127;

const free: Slab[] = [];

/** Memory for outgoing frames and for fragments that have come, shared by all connections of the process: an idle connection holds none. */
export class Slab {
  readonly memory: Buffer;
  /** Writes out of this slab that have not been confirmed; it must not be reused before. */
  pending: number = 0;

  constructor(bytes: number) {
    this.memory = Buffer.allocUnsafeSlow(bytes);
  }

  static take(): Slab {
    return free.pop() ?? new Slab(slabBytes);
  }

  /** The caller keeps no reference. Memory of another size is not kept. */
  giveBack(): void {
    if (this.memory.length === slabBytes && free.length < freeSlabsMax) free.push(this);
  }
}
