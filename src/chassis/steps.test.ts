import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Broker } from "../broker/broker.ts";
import type { Envelope } from "../broker/envelope.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, document, event } from "../contract/index.ts";
import { deadChannelOf } from "../messaging/dead/letter.ts";
import { on, type Subscriber } from "../messaging/on.ts";
import { outputId } from "../messaging/steps/run-steps.ts";
import { steps } from "../messaging/steps/steps.ts";
import { chassis, type Chassis } from "./chassis.ts";

const Line = z.object({ sku: z.string(), pieces: z.number() });
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({
      data: z.object({ id: z.string(), card: z.string(), lines: z.array(Line) }),
      key: "id",
    }),
  },
);
const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    pick: document({ data: z.object({ order: z.string(), card: z.string(), ...Line.shape }) }),
  },
);

const order = {
  id: "o-1",
  card: "4111",
  lines: [
    { sku: "kettle", pieces: 1 },
    { sku: "gift", pieces: 0 },
    { sku: "cup", pieces: 6 },
  ],
};

function picking(): Subscriber {
  return steps(Orders.placed, { group: "picking", retry: false })
    .redact("card", ["card"])
    .split("lines", ({ id, card, lines }) => lines.map((line) => ({ order: id, card, ...line })))
    .filter("pieces", ({ pieces }) => pieces > 0)
    .enrich("stock", async (pick) => {
      if (pick.sku === "nowhere") throw new Error("no such shelf");
      return pick;
    })
    .map("upper", (pick) => ({ ...pick, sku: pick.sku.toUpperCase() }))
    .to(Depot.pick);
}

async function shop(broker: Broker, serve: readonly Subscriber[]): Promise<Chassis> {
  return chassis({ name: "shop", messages: broker, serve, signals: false });
}

/** The same broker for whoever says that it has no transactions. */
function without(broker: Broker, seen: Envelope[]): Broker {
  return new Proxy(broker, {
    get(target, name) {
      if (name === "capabilities") return { ...target.capabilities, transactions: false };
      if (name === "publish")
        return (messages: Parameters<Broker["publish"]>[0]) => {
          seen.push(...messages.map(({ envelope }) => envelope));
          return target.publish(messages);
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

for (const transactions of [true, false]) {
  test(`what comes out of the steps is published, split, filtered and redacted, ${transactions ? "in" : "without"} a transaction`, async () => {
    const picked: string[] = [];
    const both = Promise.withResolvers<void>();
    const memory = memoryBroker();
    await using app = await shop(transactions ? memory : without(memory, []), [
      picking(),
      on(Depot.pick, {}, (pick, { message }) => {
        picked.push(`${pick.order} ${pick.sku} ${pick.card} ${message.attributes["region"]}`);
        if (picked.length === 2) both.resolve();
      }),
    ]);
    await app.publisher(Orders).placed(order, { attributes: { region: "eu" } });
    await both.promise;
    assert.deepEqual(picked.toSorted(), ["o-1 CUP *** eu", "o-1 KETTLE *** eu"]);
  });
}

test("ids of what comes out are the same when a message comes again, and differ for all that comes of it", async () => {
  const seen: Envelope[] = [];
  const broker = without(memoryBroker(), seen);
  const all = Promise.withResolvers<void>();
  const picked: string[] = [];
  await using app = await shop(broker, [
    picking(),
    on(Depot.pick, {}, (_pick, { message }) => {
      picked.push(message.id);
      if (picked.length === 2) all.resolve();
    }),
  ]);
  const { id } = await app.publisher(Orders).placed(order);
  await all.promise;
  const ids = seen.filter(({ type }) => type === "depot.pick").map((envelope) => envelope.id);
  const chain = ["/shop", id, "picking", "card", "lines", "pieces", "stock", "upper"];
  assert.deepEqual(ids, [outputId([...chain, ".0.0.0.0.0"]), outputId([...chain, ".0.2.0.0.0"])]);
  assert.match(ids[0]!, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a message that a step fails on goes to the dead letters with the name of the step, and nothing of it comes out", async () => {
  const broker = memoryBroker();
  const dead = deadChannelOf({ name: "orders.1.placed" }, "picking");
  await broker.declare([dead]);
  const letter = Promise.withResolvers<Envelope>();
  await broker.consume({ channel: dead, group: undefined, prefetch: 1 }, ([delivery]) =>
    letter.resolve(delivery!.envelope),
  );
  const picked: string[] = [];
  const after = Promise.withResolvers<void>();
  await using app = await shop(broker, [
    picking(),
    on(Depot.pick, {}, ({ order: id }) => {
      picked.push(id);
      after.resolve();
    }),
  ]);
  const { placed } = app.publisher(Orders);
  const bad = await placed({
    ...order,
    id: "o-bad",
    lines: [
      { sku: "cup", pieces: 1 },
      { sku: "nowhere", pieces: 1 },
    ],
  });
  await placed({ ...order, lines: [{ sku: "cup", pieces: 1 }] });
  await after.promise;
  assert.deepEqual(picked, ["o-1"]);
  const { id, attributes } = await letter.promise;
  assert.equal(id, bad.id);
  assert.match(JSON.stringify(attributes), /step stock: no such shelf/);
});
