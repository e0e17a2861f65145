import { call, contract } from "trunkline";
import * as z from "zod";

const work = z.object({ id: z.string() });

/** One operation for each thing that may be said of repetition. */
export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    read: call({ in: work, out: z.string(), idempotent: true }),
    keyed: call({ in: work, out: z.string(), idempotent: "by-key" }),
    act: call({ in: work, out: z.string(), errors: { NO: z.string() } }),
  },
);
