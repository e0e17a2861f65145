import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, event } from "../contract/index.ts";
import { absence, countWithin, followedBy, onPattern } from "../messaging/patterns/on-pattern.ts";
import { chassis, type Chassis } from "./chassis.ts";

const Order = z.object({ id: z.string(), customer: z.string(), total: z.number() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: Order, key: "id" }),
    paid: event({ data: z.object({ id: z.string(), by: z.string() }), key: "id" }),
  },
);
const order = { id: "o-1", customer: "ada", total: 5 };

type Serve = NonNullable<Parameters<typeof chassis>[0]["serve"]>;

function shop(serve: Serve): Promise<Chassis> {
  return chassis({ name: "shop", messages: memoryBroker(), serve, signals: false });
}

test("messages of two operations that belong together come to the handler as one match, tried again when it fails", async () => {
  const done = Promise.withResolvers<string>();
  let tries = 0;
  await using app = await shop([
    onPattern(
      followedBy([Orders.placed, Orders.paid], "1h"),
      { group: "fraud" },
      ({ key, data: [placed, paid], messages }) => {
        if (tries++ === 0) throw new Error("not yet");
        done.resolve(`${key} ${placed.total} ${paid.by} ${messages.length}`);
      },
    ),
  ]);
  const { placed, paid } = app.publisher(Orders);
  await placed(order);
  await placed({ ...order, id: "o-2" });
  await paid({ id: "o-1", by: "card" });
  assert.equal(await done.promise, "o-1 5 card 2");
  assert.equal(tries, 2);
});

test("messages are counted by a field of theirs", async () => {
  const done = Promise.withResolvers<string>();
  await using app = await shop([
    onPattern(
      countWithin(Orders.placed, 3, "1m"),
      { group: "fraud", by: "customer" },
      ({ key, data }) =>
        done.resolve(
          `${key} ${data
            .map(({ id }) => id)
            .toSorted()
            .join()}`,
        ),
    ),
  ]);
  const { placed } = app.publisher(Orders);
  for (const id of ["1", "2", "3"]) {
    await placed({ ...order, id });
    if (id !== "3") await placed({ ...order, id: `x${id}`, customer: "bob" });
  }
  assert.equal(await done.promise, "ada 1,2,3");
});

test("what did not follow is told when its time is over", async () => {
  const done = Promise.withResolvers<string>();
  await using app = await shop([
    onPattern(
      absence(Orders.placed, Orders.paid, "50ms"),
      { group: "reminders", lateness: "50ms" },
      ({ data: [placed] }) => done.resolve(placed.id),
    ),
  ]);
  await app.publisher(Orders).placed(order);
  assert.equal(await done.promise, "o-1");
});
