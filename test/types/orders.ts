// The contract that the files beside this one call and serve, rightly and wrongly.
import { call, contract, duplex, notification, stream, upload } from "trunkline/contract";
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
    scan: upload({
      head: z.object({ shelf: z.object({ id: z.string() }), dry: z.boolean().default(false) }),
      in: z.object({ n: z.string().transform(Number) }),
      out: z.object({ id: z.string() }),
      errors: { SOLD_OUT: z.object({ left: z.string().transform(Number) }) },
      idempotent: "by-key",
      key: "shelf.id",
    }),
    count: upload({ in: z.number(), out: z.number() }),
    talk: duplex({
      head: z.string(),
      in: z.object({ n: z.string().transform(Number) }),
      out: z.object({ m: z.string().transform(Number) }),
      errors: { CLOSED: undefined },
    }),
    echo: duplex({ in: z.string(), out: z.string() }),
  },
);
