import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { DatabaseSync } from "node:sqlite";
import { systemError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import { contract, document, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { park, reject, retryLater } from "../messaging/outcome.ts";
import { InboxLab } from "./testing/inbox-lab.ts";

const Order = z.object({ id: z.string() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { placed: event({ data: Order, key: "id" }), label: document({ data: Order }) },
);
const Billing = contract(
  "billing",
  { version: "1.0.0" },
  { invoiced: event({ data: z.object({ order: z.string() }), key: "order" }) },
);

/** Nothing is remembered in memory: only the inbox knows what was processed. */
const billing = { group: "billing", remembered: 0 } as const;
const id = "0192f1d4-0000-7000-8000-000000000001";

test("IN-1, IN-2: mark first, then the handler, what it publishes last, then the commit, and the ack after that", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start(
    [
      on(Orders.placed, { ...billing, store: lab.db }, async (order, { tx, publish }) => {
        await publish(Billing.invoiced, { order: order.id });
        lab.write(tx, order.id);
      }),
    ],
    { relay: false },
  );
  await app.publisher(Orders).placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(lab.log, ["mark", "write o-1", "outbox", "commit", "ack"]);
  deepEqual(await lab.effects(), ["o-1"]);
  deepEqual(await lab.marks(), [`billing orders@1/placed: ${id}`]);
});

test("IN-1: a message that comes again does nothing, is acknowledged, and counts as a duplicate", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, ({ id: order }, { tx }) =>
      lab.write(tx, order),
    ),
  ]);
  const { placed } = app.publisher(Orders);
  for (let times = 0; times < 3; times++) await placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(await lab.effects(), ["o-1"]);
  deepEqual(lab.outcomes(), ["handled", "duplicate", "duplicate"]);
  equal(lab.log.filter((each) => each === "ack").length, 3);
  const [consumer] = app.stats().consumers!;
  equal(consumer!.duplicate, 2);
  equal(consumer!.handled, 1);
});

test("IN-1: groups, operations and explicit consumers each process a message themselves, whatever their code is called", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, (_order, { tx }) => lab.write(tx, "billing")),
    on(Orders.placed, { group: "stock", consumer: "stock keeping", store: lab.db }, (_o, { tx }) =>
      lab.write(tx, "stock"),
    ),
    on(Orders.label, { store: lab.db }, (_label, { tx }) => lab.write(tx, "label")),
  ]);
  const { placed, label } = app.publisher(Orders);
  await placed({ id: "o-1" }, { id });
  await label({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual((await lab.effects()).toSorted(), ["billing", "label", "stock"]);
  deepEqual((await lab.marks()).toSorted(), [
    `billing orders@1/placed: ${id}`,
    `orders@1/label: ${id}`,
    `stock keeping: ${id}`,
  ]);
});

test("IN-2: a handler that fails leaves neither its mark nor its effects nor what it published, and is done when it comes again", async () => {
  await using lab = await InboxLab.make();
  const heard: string[] = [];
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, async (order, { tx, publish, message }) => {
      lab.write(tx, `${order.id} ${message.attempt}`);
      await publish(Billing.invoiced, { order: `${order.id} ${message.attempt}` });
      if (message.attempt === 1)
        throw systemError("UNAVAILABLE", "the bank is closed", { executed: "no" });
    }),
    on(Billing.invoiced, { group: "books" }, ({ order }) => void heard.push(order)),
  ]);
  await app.publisher(Orders).placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(await lab.effects(), ["o-1 2"]);
  deepEqual(heard, ["o-1 2"]);
  equal((await lab.marks()).length, 1);
});

for (const [name, verdict] of [
  ["retry", () => retryLater("1h")],
  ["reject", () => reject("not ours")],
  ["park", () => park("somebody must look")],
] as const)
  test(`IN-2: a handler that says ${name} leaves nothing, returned or thrown`, async () => {
    await using lab = await InboxLab.make();
    const app = await lab.start([
      on(Orders.label, { store: lab.db, remembered: 0 }, (order, { tx }) => {
        lab.write(tx, order.id);
        const said = verdict();
        const thrown = said as unknown as Error;
        if (order.id === "thrown") return Promise.reject(thrown);
        return said;
      }),
    ]);
    const { label } = app.publisher(Orders);
    await label({ id: "returned" });
    await label({ id: "thrown" });
    await lab.pass();
    deepEqual(await lab.effects(), []);
    deepEqual(await lab.marks(), []);
    const expected = name === "retry" ? "retry" : "dead";
    deepEqual(lab.outcomes(), [expected, expected]);
  });

test("a commit that fails takes mark and effects with it, both in one transaction, and the message is handled again", async () => {
  await using lab = await InboxLab.make();
  lab.faults.push("lost commit");
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, (order, { tx }) => lab.write(tx, order.id)),
  ]);
  await app.publisher(Orders).placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(lab.log, ["mark", "write o-1", "rollback", "mark", "write o-1", "commit", "ack"]);
  deepEqual(await lab.effects(), ["o-1"]);
});

test("a commit of which nobody knows whether it was is looked up by its mark: the effects are there once", async () => {
  await using lab = await InboxLab.make();
  lab.faults.push("lost answer");
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, (order, { tx }) => lab.write(tx, order.id)),
  ]);
  await app.publisher(Orders).placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(lab.log, ["mark", "write o-1", "commit, unseen", "mark", "commit", "ack"]);
  deepEqual(await lab.effects(), ["o-1"]);
});

test("what a message publishes is published once, however often it is delivered: by publish and by the publisher of a contract", async () => {
  await using lab = await InboxLab.make();
  const heard: string[] = [];
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, async ({ id: order }, context) => {
      await context.publish(Billing.invoiced, { order });
      await context.publisher(Billing).invoiced({ order: `${order} again` });
      await context.publisher(Orders).label.many([{ id: "a" }, { id: "b" }]);
    }),
    on(Billing.invoiced, { group: "books", remembered: 0 }, ({ order }) => void heard.push(order)),
    on(Orders.label, { remembered: 0 }, ({ id: text }) => void heard.push(text)),
  ]);
  const { placed } = app.publisher(Orders);
  for (let times = 0; times < 3; times++) await placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(heard.toSorted(), ["a", "b", "o-1", "o-1 again"]);
});

test("a conflict of transactions is tried again soon, and is not the handler's fault", async () => {
  await using lab = await InboxLab.make();
  lab.faults.push("conflict", "conflict");
  const attempts: number[] = [];
  const app = await lab.start([
    on(Orders.placed, { ...billing, retry: false, store: lab.db }, (order, { tx, message }) => {
      attempts.push(message.attempt);
      lab.write(tx, order.id);
    }),
  ]);
  await app.publisher(Orders).placed({ id: "o-1" }, { id });
  await lab.pass();
  deepEqual(attempts, [1, 1, 1]);
  deepEqual(await lab.effects(), ["o-1"]);
  deepEqual(lab.outcomes(), ["handled"]);
});

test("a conflict that does not end is a failure like any other, after a bounded number of runs", async () => {
  await using lab = await InboxLab.make();
  for (let times = 0; times < 100; times++) lab.faults.push("conflict");
  let ran = 0;
  const app = await lab.start([
    on(Orders.label, { remembered: 0, retry: { soon: 1, later: 0 }, store: lab.db }, () => {
      ran++;
    }),
  ]);
  await app.publisher(Orders).label({ id: "o-1" }, { id });
  await lab.pass(60_000);
  equal(ran, 12);
  deepEqual(lab.outcomes(), ["retry", "dead"]);
});

test("a store that is away for long makes no dead letters, and costs no attempts", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([
    on(Orders.label, { remembered: 0, retry: false, store: lab.db }, (order, { tx }) =>
      lab.write(tx, order.id),
    ),
  ]);
  for (let times = 0; times < 2_500; times++) lab.faults.push("away");
  await app.publisher(Orders).label({ id: "o-1" }, { id });
  await lab.pass(1_200_000);
  deepEqual(await lab.effects(), []);
  lab.faults.length = 0;
  await lab.pass();
  deepEqual(await lab.effects(), ["o-1"]);
  ok(!lab.outcomes().includes("dead"));
  equal(lab.told.at(-1)!.attempt, 1);
  deepEqual(lab.incidents, []);
});

test("interceptors see the transaction, and may pass on a copy of the context", async () => {
  await using lab = await InboxLab.make();
  const copying: Interceptor = (next) => async (input, context) => {
    lab.write((context as unknown as { readonly tx: DatabaseSync }).tx, "around");
    return next(input, { ...context });
  };
  const app = await lab.start(
    [
      on(Orders.label, { store: lab.db }, async (order, { tx, publish }) => {
        lab.write(tx, order.id);
        await publish(Billing.invoiced, { order: order.id });
      }),
    ],
    { aroundHandler: [copying] },
  );
  await app.publisher(Orders).label({ id: "o-1" });
  await lab.pass();
  deepEqual(lab.outcomes(), ["handled"]);
  deepEqual(await lab.effects(), ["around", "o-1"]);
});

test("IN-7: a message without an id is dead at once, and its handler does not begin", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([
    on(Orders.label, { remembered: 0, store: lab.db }, (order, { tx }) => lab.write(tx, order.id)),
  ]);
  await app.publisher(Orders).label({ id: "o-1" }, { id: "" });
  await lab.pass();
  deepEqual(lab.outcomes(), ["dead"]);
  match(lab.told[0]!.reason!, /no id/);
  deepEqual(lab.log, ["ack"]);
});

test("handlers that run in transactions are told by the figures of their process, with the store", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([
    on(Orders.placed, { ...billing, store: lab.db }, () => {}),
    on(Orders.label, {}, () => {}),
  ]);
  deepEqual(
    app.stats().consumers!.map(({ operation, transactional }) => [operation, transactional]),
    [
      ["orders.placed", "sqlite::memory:"],
      ["orders.label", undefined],
    ],
  );
});
