import * as z from "zod";
import { serve } from "../../call/serve.ts";
import { call, command, contract, event, gather } from "../../contract/index.ts";
import type { Store } from "../../store/store.ts";
import { on } from "../on.ts";

interface Client {
  query(sql: string): Promise<void>;
}
declare const db: Store<Client>;

const Order = z.object({ id: z.string() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: command({ in: Order, out: Order }),
    pay: call({ in: Order, idempotent: "by-key" }),
    get: call({ in: z.string(), out: Order, idempotent: true }),
    placed: event({ data: Order, key: "id" }),
    quote: gather({ in: Order, out: z.number() }),
  },
);

on(Orders.placed, { group: "billing", store: db }, async ({ id }, { tx, publish, message }) => {
  await tx.query(`${id} ${message.id}`);
  await publish(Orders.placed, { id });
  // @ts-expect-error: not what an order is
  await publish(Orders.placed, { id: 7 });
});

// @ts-expect-error: without a store there is no transaction
on(Orders.placed, { group: "billing" }, (_order, { tx }) => void tx);

// @ts-expect-error: an answer to a gather is no part of a transaction
on(Orders.quote, { group: "slow", store: db }, () => 1);

serve(
  Orders,
  {
    async place(order, { tx, publish }) {
      await tx.query(order.id);
      await publish.placed(order);
      await publish(Orders.placed, order);
      return order;
    },
    async pay({ id }, { tx }) {
      await tx.query(id);
    },
    // @ts-expect-error: it may be repeated as it is, and has no transaction
    get: (id, { tx }) => ({ id: `${id} ${tx}` }),
  },
  { store: db },
);

serve(Orders, {
  // @ts-expect-error: without a store there is no transaction
  place: ({ id }, { tx }) => ({ id: `${id} ${tx}` }),
  pay() {},
  get: (id) => ({ id }),
});
