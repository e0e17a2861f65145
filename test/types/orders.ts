// The contract that the files beside this one call and serve, rightly and wrongly.
import { call, contract, notification, stream } from "trunkline/contract";
import * as z from "zod";

const OrderId = z.object({ order: z.object({ id: z.string(), part: z.number() }) });

export const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    place: call({
      in: z.object({ item: z.string(), count: z.number().default(1) }),
      out: z.object({ id: z.string() }),
      errors: { SOLD_OUT: z.object({ left: z.string().transform(Number) }), CLOSED: undefined },
      idempotent: "by-key",
      key: "item",
    }),
    watch: stream({
      in: OrderId,
      out: z.object({ n: z.string().transform(Number) }),
      key: "order.part",
    }),
    nudge: notification({ in: OrderId, key: "order.id" }),
    ping: call(),
  },
);
