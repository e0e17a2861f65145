import type { Random } from "../base/random.ts";

/** How old a connection may become when nobody says otherwise, in milliseconds. */
export const maxAgeMsDefault: number = 30 * 60 * 1_000;

/** Connections that are too old and still have requests: while there are so many, the youngest one stays. */
export const agedMax = 4;

/** By how much of its age each connection lives longer or shorter: those made together do not end together. */
const spread = 0.1;

/** The instant at which a connection that was made now is too old. */
export function agesAt(now: number, maxAgeMs: number, random: Random): number {
  return now + maxAgeMs * (1 - spread + 2 * spread * random());
}
