import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isTrunklineError } from "../base/error.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, event } from "../contract/index.ts";
import { onBatch } from "../messaging/batches/on-batch.ts";
import { reject } from "../messaging/outcome.ts";
import { bind } from "../messaging/channels.ts";
import { chassis } from "./chassis.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string() }) }),
    paid: event({ data: z.object({ id: z.string() }), delivery: "exactly-once" }),
  },
);
const orders = ["a", "b", "c", "d", "e"].map((id) => ({ id }));

test("a handler gets its messages in batches of what it asks for, and its one answer counts for all", async () => {
  const batches: string[] = [];
  const done = Promise.withResolvers<void>();
  await using app = await chassis({
    name: "shop",
    messages: memoryBroker(),
    bindings: [bind(Orders.placed, { batch: { count: 5, within: "1s" } })],
    serve: [
      onBatch(Orders.placed, { group: "archive", batch: { count: 2 } }, (batch, { messages }) => {
        assert.equal(messages.length, batch.length);
        batches.push(batch.map(({ id }) => id).join(""));
        if (batches.join("").length === orders.length) done.resolve();
      }),
    ],
    signals: false,
  });
  await app.publisher(Orders).placed.many(orders);
  await done.promise;
  assert.deepEqual(batches, ["ab", "cd", "e"]);
});

test("a batch that fails is tried again one by one: what is at fault is dead, the others are done", async () => {
  const calls: string[] = [];
  const done: string[] = [];
  const all = Promise.withResolvers<void>();
  await using app = await chassis({
    name: "shop",
    messages: memoryBroker(),
    serve: [
      onBatch(
        Orders.placed,
        { group: "archive", batch: { count: 5 }, retry: { soon: 2, later: 0 } },
        (batch) => {
          const ids = batch.map(({ id }) => id).join("");
          calls.push(ids);
          if (calls.length > 1 && ids.length > 1) all.resolve(); // it is told below
          if (ids.includes("c")) throw new Error("c is broken");
          done.push(...batch.map(({ id }) => id));
          if (done.length === 4) all.resolve();
        },
      ),
    ],
    signals: false,
  });
  await app.publisher(Orders).placed.many(orders);
  await all.promise;
  assert.equal(calls[0], "abcde");
  assert.ok(calls.slice(1).every((ids) => ids.length === 1));
  assert.deepEqual(done.toSorted(), ["a", "b", "d", "e"]);
});

test("a handler can say of each message what becomes of it", async () => {
  const broker = memoryBroker();
  await using app = await chassis({
    name: "shop",
    messages: broker,
    bindings: [bind(Orders.placed, { groups: ["archive"] })],
    serve: [
      onBatch(Orders.placed, { group: "archive", batch: { count: 5 } }, (batch) =>
        batch.map(({ id }) => (id === "b" ? reject("no b") : undefined)),
      ),
    ],
    signals: false,
  });
  const receipts = await Promise.all(
    orders.map((order) =>
      app.publisher(Orders).placed(order, { receipt: "handled", within: "5s" }),
    ),
  );
  assert.deepEqual(
    receipts.map(({ groups }) => groups["archive"]),
    ["handled", "rejected", "handled", "handled", "handled"],
  );
});

test("what cannot be consumed in batches is refused", () => {
  for (const make of [
    () => onBatch(Orders.paid, { group: "a" }, () => {}),
    () => onBatch(Orders.placed, { group: "a", batches: 0 }, () => {}),
    () => onBatch(Orders.placed, { group: "a", batch: { count: 0 } }, () => {}),
  ])
    assert.throws(make, (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT");
});
