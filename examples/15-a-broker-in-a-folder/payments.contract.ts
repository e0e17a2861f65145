import { contract, document } from "trunkline";
import * as z from "zod";

export const Payments = contract(
  "payments",
  { version: "1.0.0" },
  {
    /** Goes to one of those who book payments; those of one account in their order. */
    received: document({
      data: z.object({ account: z.string(), cents: z.int() }),
      key: "account",
    }),
  },
);
