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
  const { frameBytesMax = frameBytesLimit } = options;
  // Enough to keep a socket busy, little to lose.
  const { outgoingBytesHigh = 1024 * 1024 } = options;
  // Whoever ignores `writable` must not fill the memory.
  const { outgoingBytesMax = 64 * 1024 * 1024 } = options;
  return {
    frameBytesMax: Math.min(atLeastOne("frameBytesMax", frameBytesMax), frameBytesLimit),
    outgoingBytesHigh: atLeastOne("outgoingBytesHigh", outgoingBytesHigh),
    outgoingBytesMax: atLeastOne("outgoingBytesMax", outgoingBytesMax),
  };
}

/** Passes a bound that can be kept; others are refused with INVALID_ARGUMENT. */
export function atLeastOne(name: string, value: number): number {
  if (value >= 1) return value;
  throw systemError("INVALID_ARGUMENT", `${name} is ${value}`, {
    executed: "no",
    advice: "a bound is a number of at least 1; leave it out for the default",
  });
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
