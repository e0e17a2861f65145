import { systemError } from "../../base/error.ts";
import { isRingSize, ringBytesLeast, ringBytesMost } from "../../os/segment.ts";

export interface ShmOptions {
  /**
   * The memory of each direction in bytes, a power of two from 65,536 to 67,108,864. Default 262,144: as much as a socket buffers, and enough
   * for the two sides to work at the same time. A connection that has moved takes twice that, and 16 KiB.
   */
  readonly ringBytes?: number;
}

/** The options, complete and checked. */
export interface ShmSettings {
  readonly ringBytes: number;
  /** The largest ring of the other side that is mapped. */
  readonly ringBytesMax: number;
}

/** Refuses options that make no sense with INVALID_ARGUMENT. */
export function shmSettings({ ringBytes = 256 * 1024 }: ShmOptions = {}): ShmSettings {
  if (!isRingSize(ringBytes)) {
    throw systemError("INVALID_ARGUMENT", `ringBytes is ${ringBytes}`, {
      executed: "no",
      advice: `give a power of two from ${ringBytesLeast} to ${ringBytesMost}`,
    });
  }
  return { ringBytes, ringBytesMax: Math.max(ringBytes, 1024 * 1024) };
}
