import { call, contract, stream } from "trunkline";
import * as z from "zod";

/** What those who are killed serve, and call. */
export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    note: call({ in: z.object({ id: z.string() }), out: z.object({ id: z.string() }) }),
    count: stream({ in: z.object({ to: z.number() }), out: z.object({ number: z.number() }) }),
  },
);
