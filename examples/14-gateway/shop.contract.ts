import { call, contract } from "trunkline";
import * as z from "zod";

const Order = z.object({ id: z.string(), item: z.string(), customer: z.string() });

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ orderId: z.string() }),
      out: Order,
      errors: { NOT_FOUND: undefined },
      idempotent: true,
    }),
  },
);

export const Customers = contract(
  "customers",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ customerId: z.string() }),
      out: z.object({ name: z.string() }),
      idempotent: true,
    }),
  },
);
