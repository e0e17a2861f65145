import { call, contract } from "trunkline";
import * as z from "zod";

/** What all that is measured answers: an order of some 64 bytes. */
export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ id: z.string() }),
      out: z.object({ id: z.string(), item: z.string(), quantity: z.int() }),
      idempotent: true,
    }),
  },
);

export function orderOf(id: string): { id: string; item: string; quantity: number } {
  return { id, item: "a kettle of copper", quantity: 3 };
}
