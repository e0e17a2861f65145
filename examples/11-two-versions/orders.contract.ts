import { call, contract } from "trunkline";
import * as z from "zod";

/** What there was first: one item for each order. */
export const OrdersV1 = contract(
  "orders",
  { version: "1.4.0" },
  {
    place: call({
      in: z.object({ item: z.string() }),
      out: z.object({ id: z.string(), item: z.string() }),
      errors: { SOLD_OUT: z.string() },
    }),
    ping: call({ out: z.string() }),
  },
);

/** What there is now: an order has lines. */
const Line = z.object({ item: z.string(), count: z.int().positive() });
export const OrdersV2 = contract(
  "orders",
  { version: "2.0.0" },
  {
    place: call({
      in: z.object({ lines: z.array(Line).min(1) }),
      out: z.object({ id: z.string(), lines: z.array(Line) }),
      errors: { SOLD_OUT: z.object({ item: z.string(), left: z.int() }) },
    }),
    ping: call({ out: z.string() }),
  },
);
