import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { channels } from "../base/diagnostics.ts";
import { attribute } from "../broker/attributes.ts";
import { serve } from "../call/serve.ts";
import { call, command, contract, document, event, gather } from "../contract/index.ts";
import { onBatch } from "../messaging/batches/on-batch.ts";
import { bind } from "../messaging/channels.ts";
import { on } from "../messaging/on.ts";
import { countWithin, onPattern } from "../messaging/patterns/on-pattern.ts";
import { steps } from "../messaging/steps/steps.ts";
import { receive } from "./receiver.ts";
import { InboxLab } from "./testing/inbox-lab.ts";

const Order = z.object({ id: z.string() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: Order, key: "id" }),
    seen: event({ data: Order, delivery: "at-most-once" }),
    paid: event({ data: Order, delivery: "exactly-once" }),
    quote: gather({ in: Order, out: z.number() }),
    label: document({ data: Order }),
    ship: command({ in: Order, out: Order }),
  },
);
const Shop = contract("shop", { version: "1.0.0" }, { get: call({ in: z.string(), out: Order }) });

test("a start tells all at once which handlers cannot run in transactions, and why", async () => {
  await using lab = await InboxLab.make();
  const store = lab.db;
  const group = "billing";
  const handle = (): void => {};
  const terms = { group, store } as never;
  await rejects(
    lab.start([
      on(Orders.seen, { group, store }, handle),
      on(Orders.paid, { group, store }, handle),
      on(Orders.quote, terms, () => 1),
      onBatch(Orders.placed, terms, handle),
      on(Orders.label, { store, consumer: "x".repeat(201) }, handle),
      on(Orders.placed, { group: "a", store, consumer: "same" }, handle),
      on(Orders.placed, { group: "b", store, consumer: "same" }, handle),
      on(Orders.placed, { group: "c", consumer: "nobody" }, handle),
      serve(Shop, { get: (id) => ({ id }) }, { store }),
    ]),
    (error: Error) => {
      for (const [place, expected] of [
        /shop@1 is served with a store, and has nothing that runs in a transaction/,
        /orders\.seen is acknowledged before it is handled, its delivery being "at-most-once"/,
        /orders\.paid is processed "exactly-once" in a transaction of the broker/,
        /gather orders\.quote is answered at once/,
        /orders\.placed: a batch is handled at once/,
        /orders\.label is consumed under a name of 201 characters; 1 to 200 are allowed/,
        /orders\.placed is consumed as nobody, without a store/,
        /orders\.placed is consumed twice as same/,
      ].entries())
        match(error.message, expected, `problem ${place}`);
      return true;
    },
  );
});

test("IN-4: a start fails where a channel may deliver again for longer than marks are kept, and says what to do", async () => {
  await using lab = await InboxLab.make();
  const bindings = [
    bind(Orders.placed, { retention: "336h" }),
    bind(Orders.ship, { retention: "336h" }),
  ];
  const serving = [
    on(Orders.placed, { group: "billing", store: lab.db }, () => {}),
    serve(Orders, { ship: (order) => order }, { store: lab.db }),
  ];
  await rejects(lab.start(serving, { bindings }), (error: Error) => {
    match(error.message, /event orders\.placed may be delivered again for 15 days/);
    match(error.message, /command orders\.ship may be delivered again for 15 days/);
    match(error.message, /marks of what was processed are kept for 7 days/);
    match(error.message, /inbox: \{ retention: "338h" \}/);
    return true;
  });
  await lab.start(serving, { bindings, inbox: { retention: "338h" } });
});

test("IN-4: the attempts alone take two hours: less is refused", async () => {
  await using lab = await InboxLab.make();
  await rejects(
    lab.start([on(Orders.label, { store: lab.db }, () => {})], { inbox: { retention: "1h" } }),
    /may be delivered again for 2 h, and marks of what was processed are kept for 1 h/,
  );
});

test("IN-4: a process takes old marks out of its stores, consuming or not, until it stops", async () => {
  await using lab = await InboxLab.make();
  const app = await lab.start([], { store: lab.db });
  await lab.pass(150_000);
  const { purges } = lab;
  equal(purges === 2 || purges === 3, true);
  await app.stop();
  await lab.pass(150_000);
  equal(lab.purges, purges);
});

test("steps run in transactions: what comes out of them is published with the mark of what went in", async () => {
  await using lab = await InboxLab.make();
  const labels: string[] = [];
  const app = await lab.start([
    steps(Orders.placed, { group: "print", remembered: 0, store: lab.db })
      .map("label", ({ id }) => ({ id: `label of ${id}` }))
      .to(Orders.label),
    on(Orders.label, { remembered: 0 }, ({ id }) => void labels.push(id)),
  ]);
  const id = "0192f1d4-0000-7000-8000-000000000001";
  for (let times = 0; times < 2; times++) await app.publisher(Orders).placed({ id: "7" }, { id });
  await lab.pass();
  deepEqual(labels, ["label of 7"]);
  deepEqual(lab.log.filter((each) => each !== "ack").slice(0, 3), ["mark", "outbox", "commit"]);
});

test("IN-6: gaps and reorderings of messages that count themselves are told and counted, and nothing is refused", async () => {
  await using lab = await InboxLab.make();
  const told: unknown[] = [];
  const hear = (happened: unknown): void => void told.push(happened);
  channels.inbox.subscribe(hear);
  const app = await lab.start([
    on(Orders.placed, { group: "billing", store: lab.db }, ({ id }, { tx, message }) => {
      lab.write(tx, `${id} ${message.attributes[attribute.sequence]}`);
      if (message.attempt === 1 && message.attributes[attribute.sequence] === "5")
        throw new Error("not yet");
    }),
  ]);
  const { placed } = app.publisher(Orders);
  for (const sequence of ["1", "2", "5", "4", "6"])
    await placed({ id: "a" }, { attributes: { sequence } });
  await placed({ id: "b" }, { attributes: { sequence: "3" } });
  await placed({ id: "c" });
  await lab.pass();
  channels.inbox.unsubscribe(hear);
  equal((await lab.effects()).length, 7);
  deepEqual(
    told.map((each) => {
      const { what, key, sequence, consumer } = each as Record<string, unknown>;
      return `${String(what)} ${String(key)} ${String(sequence)} ${String(consumer)}`;
    }),
    ["gap a 5 billing orders@1/placed", "earlier a 4 billing orders@1/placed"],
  );
  const [consumer] = app.stats().consumers!;
  deepEqual([consumer!.gaps, consumer!.reorderings], [1, 1]);
});

test("IN-6: an outbox counts the messages of each key of a channel that is bound so, without gaps, and no others", async () => {
  await using lab = await InboxLab.make();
  const bindings = [bind(Orders.placed, { sequenced: true })];
  const seen: string[] = [];
  const app = await lab.start(
    [
      on(Orders.placed, { group: "billing", store: lab.db }, ({ id }, { message }) => {
        seen.push(`${id} ${message.attributes[attribute.sequence]}`);
      }),
      on(Orders.label, {}, ({ id }, { message }) => {
        seen.push(`${id} ${message.attributes[attribute.sequence]}`);
      }),
    ],
    { bindings },
  );
  const box = app.outbox(lab.db);
  await box.transaction(async ({ publish }) => {
    for (const id of ["a", "b", "a"]) await publish(Orders.placed, { id });
    await publish(Orders.label, { id: "label" });
  });
  const failed = box.transaction(async ({ publish }) => {
    await publish(Orders.placed, { id: "a" });
    throw new Error("not after all");
  });
  await rejects(failed, /not after all/);
  await box.transaction(async ({ publish }) => publish(Orders.placed, { id: "a" }));
  await lab.pass();
  deepEqual(seen.toSorted(), ["a 1", "a 2", "a 3", "b 1", "label undefined"]);
  const [consumer] = app.stats().consumers!;
  deepEqual([consumer!.gaps, consumer!.reorderings], [0, 0]);
});

test("who pulls messages, or looks for patterns in them, is refused a store by name", async () => {
  await using lab = await InboxLab.make();
  const terms = { group: "watch", store: lab.db } as never;
  const options = { group: "pull", store: lab.db, messages: lab.broker, env: lab.env } as never;
  await rejects(receive(Orders.placed, options), /what is pulled is handled outside/);
  await rejects(
    lab.start(onPattern(countWithin(Orders.placed, 2, "1m"), terms, () => {})),
    /a match has several messages/,
  );
});
