import { contract, document, event } from "trunkline";
import * as z from "zod";

export const Bills = contract(
  "bills",
  { version: "1.0.0" },
  {
    /** Goes to one of those who write bills; bills of one customer in their order. */
    due: document({
      data: z.object({ customer: z.string(), order: z.string(), cents: z.int() }),
      key: "customer",
    }),
    /** Told to whoever wants to know. */
    written: event({ data: z.object({ order: z.string(), by: z.string() }), key: "order" }),
  },
);
