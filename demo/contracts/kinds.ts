import type { Kind } from "trunkline";

/** The kinds that the demo uses, in the order in which it tells of them. */
export const kinds = [
  "call",
  "stream",
  "upload",
  "duplex",
  "notification",
] as const satisfies readonly Kind[];
