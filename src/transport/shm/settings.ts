import { systemError } from "../../base/error.ts";
import { isRingSize, ringBytesLeast, ringBytesMost } from "../../os/segment.ts";
import { processBytesDefault } from "./process-memory.ts";

export interface ShmOptions {
  /**
   * The memory of each direction in bytes, a power of two from 65,536 to 67,108,864. Default 262,144: as much as a socket buffers, and enough
   * for the two sides to work at the same time. A connection that has moved takes twice that, and 16 KiB;
   * one that sends payloads of more than 64 KiB takes 4 MiB more for each direction in which it does.
   */
  readonly ringBytes?: number;
  /**
   * The shared memory of all connections of the process together, in bytes: a connection that would need more stays on the socket.
   * Default 268,435,456, which is enough for 496 connections with rings as they are by default, or a quarter of what a cgroup allows where
   * that is less, because whoever takes more than that is killed. 0: none moves.
   */
  readonly processBytesMax?: number;
}

/** The options, complete and checked. */
export interface ShmSettings {
  readonly ringBytes: number;
  /** The largest ring of the other side that is mapped. */
  readonly ringBytesMax: number;
  readonly processBytesMax: number;
  /** A connection that cannot move is closed. */
  readonly required: boolean;
}

/** Refuses options that make no sense with INVALID_ARGUMENT. */
export function shmSettings(
  { ringBytes = 256 * 1024, processBytesMax = processBytesDefault() }: ShmOptions = {},
  required = false,
): ShmSettings {
  if (!isRingSize(ringBytes)) {
    throw systemError("INVALID_ARGUMENT", `ringBytes is ${ringBytes}`, {
      executed: "no",
      advice: `give a power of two from ${ringBytesLeast} to ${ringBytesMost}`,
    });
  }
  if (!Number.isSafeInteger(processBytesMax) || processBytesMax < 0) {
    throw systemError("INVALID_ARGUMENT", `processBytesMax is ${processBytesMax}`, {
      executed: "no",
      advice: "give a number of bytes, or 0 so that no connection moves",
    });
  }
  const ringBytesMax = Math.max(ringBytes, 1024 * 1024);
  return { ringBytes, ringBytesMax, processBytesMax, required };
}
