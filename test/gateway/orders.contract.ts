import { call, contract } from "trunkline";
import * as z from "zod";

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ id: z.string() }),
      out: z.object({ id: z.string(), by: z.string() }),
      idempotent: true,
    }),
  },
);
