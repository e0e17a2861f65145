import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, document, event } from "../contract/index.ts";
import { bind } from "../messaging/channels.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { receive } from "./receiver.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string() }) }),
    label: document({ data: z.object({ id: z.string() }) }),
  },
);
const bindings = [bind(Orders.placed, { groups: ["billing"] })];
const ids = (items: readonly { readonly data: { readonly id: string } }[]): string =>
  items.map(({ data }) => data.id).join("");

async function shop(broker: Broker): Promise<Chassis> {
  return chassis({
    name: "shop",
    messages: broker,
    bindings,
    signals: false,
  });
}

test("messages are pulled as many as are asked for, and without waiting nothing is nothing", async () => {
  const broker = memoryBroker();
  await using app = await shop(broker);
  await using orders = await receive(Orders.placed, { group: "billing", messages: broker });
  assert.deepEqual(await orders.next({ within: 0 }), []);
  assert.deepEqual(await orders.next({ within: "10ms" }), []);
  const coming = orders.next({ max: 2 });
  await app.publisher(Orders).placed.many(["a", "b", "c"].map((id) => ({ id })));
  const first = await coming;
  const rest = [...first];
  while (rest.length < 3) rest.push(...(await orders.next({ max: 5 })));
  assert.ok(first.length <= 2);
  assert.equal(ids(rest), "abc");
  for (const item of rest) item.done();
});

test("a loop takes one after the other, and leaving it gives back what was not settled", async () => {
  const broker = memoryBroker();
  await using app = await shop(broker);
  const taken: string[] = [];
  const first = await receive(Orders.placed, { group: "billing", messages: broker });
  await app.publisher(Orders).placed.many(["a", "b", "c"].map((id) => ({ id })));
  for await (const item of first) {
    taken.push(item.data.id);
    if (item.data.id === "b") break; // it is not done
    item.done();
  }
  await using second = await receive(Orders.placed, { group: "billing", messages: broker });
  const [b] = await second.next();
  const [c] = await second.next();
  assert.deepEqual(taken, ["a", "b"]);
  assert.deepEqual([b!.data.id, c!.data.id], ["b", "c"]);
  assert.equal(b!.message.attempt, 2);
});

test("what is to be tried again comes again, and what is rejected does not", async () => {
  const broker = memoryBroker();
  await using app = await shop(broker);
  await using labels = await receive(Orders.label, { messages: broker, unsettled: 1 });
  const { label } = app.publisher(Orders);
  await label({ id: "a" });
  const [once] = await labels.next();
  once!.retry(0);
  once!.done(); // too late: it is settled
  const [twice] = await labels.next();
  assert.deepEqual([twice!.data.id, twice!.message.attempt], ["a", 2]);
  twice!.reject("not ours");
  await label({ id: "b" });
  const [next] = await labels.next();
  assert.equal(next!.data.id, "b");
  next!.done();
});

test("who waits is let go when the receiver is closed", async () => {
  const labels = await receive(Orders.label, { messages: memoryBroker() });
  const waiting = labels.next();
  await labels.close();
  assert.deepEqual(await waiting, []);
  assert.deepEqual(await labels.next(), []);
});

test("what cannot be meant is refused", async () => {
  const messages = memoryBroker();
  await assert.rejects(receive(Orders.label, { messages, unsettled: 0 }), /unsettled is a number/);
  await assert.rejects(
    receive(Orders.label, { messages, where: { data: "1 +" } }),
    /Cannot start "receiver"[^]*the expression/,
  );
});
