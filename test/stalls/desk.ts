import { call, contract } from "trunkline";
import * as z from "zod";

/** What the processes of `stalls.test.ts` serve each other. */
export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    work: call({ in: z.string(), out: z.string() }),
    ran: call({ in: z.object({}), out: z.array(z.string()) }),
    /** Answers after so many milliseconds. */
    later: call({ in: z.number(), out: z.number() }),
  },
);
