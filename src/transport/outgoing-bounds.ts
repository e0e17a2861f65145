import { systemError, type SystemError } from "../base/error.ts";
import type { ConnectionOptions } from "./transport.ts";

/** The largest frame that a 24-bit length announces. */
export const frameBytesLimit: number = 0xff_ffff;

/** What may wait to be sent on one connection, complete and checked. */
export interface OutgoingBounds {
  readonly frameBytesMax: number;
  readonly outgoingBytesHigh: number;
  readonly outgoingBytesMax: number;
}

/** The bounds that the options ask for, with the defaults of `ConnectionOptions`. */
export function outgoingBounds(options: ConnectionOptions): OutgoingBounds {
  return {
    frameBytesMax: Math.min(options.frameBytesMax ?? frameBytesLimit, frameBytesLimit),
    // Enough to keep a socket busy, little to lose.
    outgoingBytesHigh: options.outgoingBytesHigh ?? 1024 * 1024,
    // Whoever ignores `writable` must not fill the memory.
    outgoingBytesMax: options.outgoingBytesMax ?? 64 * 1024 * 1024,
  };
}

/** The error for a claim past a bound; call it only when one is passed. */
export function claimRefused(bytes: number, waiting: number, bounds: OutgoingBounds): SystemError {
  const { frameBytesMax, outgoingBytesMax } = bounds;
  if (bytes > frameBytesMax) {
    return systemError(
      "RESOURCE_EXHAUSTED",
      `a frame of ${bytes} bytes is larger than the ${frameBytesMax} that this connection takes`,
      { executed: "no", advice: "send it in fragments, or raise frameBytesMax on both sides" },
    );
  }
  return systemError(
    "RESOURCE_EXHAUSTED",
    `${waiting} bytes wait to be sent; with ${bytes} more it would be more than ${outgoingBytesMax}`,
    { executed: "no", advice: "the peer reads too slowly: wait for drain, or send less" },
  );
}
