import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../broker/memory/index.ts";
import { serve } from "../call/serve.ts";
import { call, contract, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Order = z.object({ id: z.string(), item: z.string() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: z.object({ item: z.string() }), out: Order }),
    placed: event({ data: Order, key: "id" }),
  },
);

test("what a handler publishes reaches each group once, in the order of its key", async () => {
  const broker = memoryBroker();
  const heard: string[] = [];
  const done = Promise.withResolvers<void>();
  const hear = (group: string) =>
    on(Orders.placed, { group }, async (order, { message }) => {
      heard.push(`${group} ${order.item} ${message.key} ${message.attempt}`);
      if (heard.length === 6) done.resolve();
    });
  await using _shop = await chassis({
    name: "shop",
    listen: "memory:shop-messages",
    messages: broker,
    serve: [
      serve(Orders, {
        async place({ item }, { publish }) {
          const order = { id: "o-1", item };
          await publish.placed(order);
          return order;
        },
      }),
      hear("billing"),
      hear("shipping"),
    ],
    signals: false,
  });
  await using orders = client(Orders, "memory:shop-messages");
  for (const item of ["kettle", "pot", "cup"]) await orders.place({ item });
  await done.promise;
  for (const group of ["billing", "shipping"])
    assert.deepEqual(
      heard.filter((each) => each.startsWith(group)),
      ["kettle", "pot", "cup"].map((item) => `${group} ${item} o-1 1`),
    );
});

test("a process that declares an event and says nothing of a broker does not start", async () => {
  await assert.rejects(
    chassis({
      name: "shop",
      serve: [serve(Orders, { place: ({ item }) => ({ id: "o-1", item }) })],
      signals: false,
    }),
    /event orders\.placed has no channel to go by[^]*messages: "memory:"/,
  );
});
