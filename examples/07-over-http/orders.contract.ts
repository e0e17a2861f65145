import { call, contract, stream } from "trunkline";
import * as z from "zod";

const OrderId = z.string();
const Order = z.object({ id: OrderId, item: z.string(), state: z.enum(["placed", "shipped"]) });

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({
      in: z.object({ item: z.string() }),
      out: Order,
      errors: { SOLD_OUT: z.object({ item: z.string() }) },
    }),
    get: call({ in: OrderId, out: Order, errors: { NOT_FOUND: OrderId }, idempotent: true }),
    list: call({
      in: z.object({ limit: z.int().positive(), cursor: z.string().optional() }),
      out: z.object({ items: z.array(Order), next: z.string().optional() }),
      idempotent: true,
    }),
    watch: stream({ in: OrderId, out: Order }),
  },
);
