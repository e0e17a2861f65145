import { contract, event } from "trunkline";
import * as z from "zod";

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    /** An order is in the books. Those of one customer come in their order. */
    placed: event({
      data: z.object({ id: z.string(), customer: z.string(), item: z.string() }),
      key: "customer",
    }),
  },
);
