import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, event } from "../contract/index.ts";
import { bind } from "../messaging/channels.ts";
import { on } from "../messaging/on.ts";
import { chassis } from "./chassis.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { placed: event({ data: z.object({ id: z.string(), total: z.number() }), key: "id" }) },
);

test("a consumer gets the messages that it wants, by attribute and by content, and the others count as done", async () => {
  const heard: string[] = [];
  const both = Promise.withResolvers<void>();
  await using shop = await chassis({
    name: "shop",
    messages: memoryBroker(),
    serve: [
      on(
        Orders.placed,
        { group: "audit", where: { attributes: { region: "eu" }, data: "data.total > 100" } },
        ({ id }) => {
          heard.push(id);
          if (heard.length === 2) both.resolve();
        },
      ),
    ],
    signals: false,
  });
  const { placed } = shop.publisher(Orders);
  const eu = { attributes: { region: "eu" } };
  await placed({ id: "small", total: 50 }, eu);
  await placed({ id: "elsewhere", total: 500 }, { attributes: { region: "us" } });
  await placed({ id: "large", total: 500 }, eu);
  await placed({ id: "last", total: 101 }, eu);
  await both.promise;
  assert.deepEqual(heard.toSorted(), ["large", "last"]);
});

test("for who waits for its receipt a message is done in a group that does not want it", async () => {
  await using shop = await chassis({
    name: "shop",
    messages: memoryBroker(),
    bindings: [bind(Orders.placed, { groups: ["audit"] })],
    serve: [on(Orders.placed, { group: "audit", where: { data: "data.total > 100" } }, () => {})],
    signals: false,
  });
  const handled = await shop
    .publisher(Orders)
    .placed({ id: "small", total: 50 }, { receipt: "handled", within: "5s" });
  assert.deepEqual(handled.groups, { audit: "handled" });
});

test("a process whose filter cannot be meant does not start", async () => {
  await assert.rejects(
    chassis({
      name: "shop",
      messages: memoryBroker(),
      serve: [on(Orders.placed, { group: "audit", where: { data: "data.total >" } }, () => {})],
      signals: false,
    }),
    /the expression "data\.total >": Unexpected token/,
  );
});
