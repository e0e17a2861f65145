import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../broker/memory/index.ts";
import { serve } from "../call/serve.ts";
import { call, command, contract, document, event, gather } from "../contract/index.ts";
import { bind } from "../messaging/channels.ts";
import { deadChannelOf } from "../messaging/dead/letter.ts";
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

test("without a group each process hears an event, and what it gives up is nobody's dead letter", async () => {
  const broker = memoryBroker();
  const Prices = contract(
    "prices",
    { version: "1.0.0" },
    { changed: event({ data: z.object({ price: z.number() }) }) },
  );
  const heard: string[] = [];
  const hear = (name: string) =>
    chassis({
      name,
      messages: broker,
      signals: false,
      serve: [
        on(Prices.changed, { group: false, retry: false }, ({ price }) => {
          heard.push(`${price} by ${name}`);
          if (price < 0) throw new Error("it cannot be handled");
        }),
      ],
    });
  await using one = await hear("one");
  await using two = await hear("two");
  const { changed } = one.publisher(Prices);
  for (const price of [1, -1, 2]) await changed({ price });
  const gaveUp = (): boolean =>
    [one, two].every((app) => app.stats().consumers?.[0]?.dead === 1 && heard.length === 6);
  while (!gaveUp()) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    heard.toSorted(),
    ["-1", "1", "2"].flatMap((price) => [`${price} by one`, `${price} by two`]),
  );
  const letters = deadChannelOf({ name: "prices.1.changed" }, undefined);
  assert.deepEqual(await broker.browse(letters, undefined, 10), []);
});

test("what cannot be without a group is refused: a place in a database, once only, and an answer", async () => {
  const Once = contract(
    "once",
    { version: "1.0.0" },
    { paid: event({ data: Order, delivery: "exactly-once" }) },
  );
  const heard = on(Once.paid, { group: false }, () => {});
  await assert.rejects(
    chassis({ name: "x", messages: "memory:", signals: false, serve: [heard] }),
    /event once\.paid is consumed without a group[^]*name a group/,
  );
  const store = {} as never;
  for (const asked of [
    () => on(Orders.placed, { group: false, store }, () => {}),
    () => on(Depot.quote, { group: false as never }, () => 1),
  ])
    assert.throws(asked, { code: "INVALID_ARGUMENT", executed: "no" });
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

const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    ship: command({
      in: Order,
      out: z.object({ parcel: z.string() }),
      errors: { LOST: z.string() },
      key: "id",
    }),
    quote: gather({ in: z.object({ grams: z.number() }), out: z.number() }),
    label: document({ data: z.object({ text: z.string() }) }),
  },
);

test("a command is done by who serves its contract, and its reply comes to who holds its handle", async () => {
  const broker = memoryBroker();
  await using _depot = await chassis({
    name: "depot",
    messages: broker,
    serve: [
      serve(Depot, {
        ship({ id }, { errors }) {
          if (id === "gone") throw errors.LOST("nowhere to be seen");
          return { parcel: `p-${id}` };
        },
      }),
    ],
    signals: false,
  });
  await using depot = client(Depot, "memory:nobody", { messages: broker, instance: "shop" });
  const handle = await depot.ship({ id: "7", item: "kettle" });
  assert.deepEqual(await handle.reply(), { parcel: "p-7" });
  const again = depot.ship.resume(handle.token);
  assert.deepEqual(await again.reply(), { parcel: "p-7" });
  const lost = await (await depot.ship({ id: "gone", item: "pot" })).result();
  assert.equal(!lost.ok && lost.error.code === "LOST" && lost.error.data, "nowhere to be seen");
});

test("a gather comes back with the answer of each group, a document goes to one, a receipt tells who has handled", async () => {
  const broker = memoryBroker();
  const labels: string[] = [];
  await using app = await chassis({
    name: "depot",
    messages: broker,
    bindings: [bind(Depot.quote, { groups: ["slow", "fast", "absent"] })],
    serve: [
      on(Depot.quote, { group: "slow" }, ({ grams }) => grams * 2),
      on(Depot.quote, { group: "fast" }, ({ grams }) => grams * 3),
      on(Depot.label, {}, ({ text }) => void labels.push(text)),
    ],
    signals: false,
  });
  const { quote, label } = app.publisher(Depot);
  const gathered = await quote({ grams: 10 }, { until: 2 });
  assert.deepEqual(
    gathered.answers.toSorted((a, b) => a.value - b.value),
    [
      { from: "slow", value: 20 },
      { from: "fast", value: 30 },
    ],
  );
  assert.deepEqual(gathered.missing, ["absent"]);
  assert.equal(gathered.complete, true);
  const handled = await label({ text: "fragile" }, { receipt: "handled", within: "5s" });
  assert.deepEqual(labels, ["fragile"]);
  assert.deepEqual(Object.values(handled.groups), ["handled"]);
});
