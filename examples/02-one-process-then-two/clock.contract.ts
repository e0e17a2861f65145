import { call, contract, notification, stream } from "trunkline";
import * as z from "zod";

export const Clock = contract(
  "clock",
  { version: "1.0.0" },
  {
    /** How often it has ticked. */
    count: call({ out: z.int(), idempotent: true }),
    /** The next ticks, as fast as the reader takes them. */
    ticks: stream({ in: z.object({ most: z.int() }), out: z.int() }),
    /** Forget all ticks; nobody waits for it. */
    reset: notification({}),
  },
);
