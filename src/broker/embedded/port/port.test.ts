import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../../base/alarm.ts";
import { isTrunklineError } from "../../../base/error.ts";
import { writeProperties } from "../../../wire/amqp091/properties.ts";
import type { Receipt } from "../../broker.ts";
import { channel } from "../../channel.ts";
import { kept, Lab, textOf, work } from "./testing/lab.ts";

function told(outcome: Receipt | Error | undefined): unknown[] {
  return isTrunklineError(outcome)
    ? [outcome.code, outcome.executed]
    : [(outcome as Receipt).enqueued];
}

test("a receipt comes when the message is synced, and of what may be lost at once", async () => {
  await using lab = new Lab("manual");
  const lossy = channel({ name: "lossy", shape: "queue", guarantee: "at-most-once" });
  void lab.broker.declare([work, lossy]);
  const outcomes: unknown[] = [];
  void lab.broker.publish([lab.outgoing(work, "a")]).then(([each]) => outcomes.push(told(each)));
  void lab.broker.publish([lab.outgoing(lossy, "b")]).then(([each]) => outcomes.push(told(each)));
  await lab.rest();
  deepEqual(outcomes, [["accepted"]]);
  lab.storage.commit();
  await lab.rest();
  deepEqual(outcomes, [["accepted"], ["stored"]]);
});

test("a receipt says where the message is, in the words of its delivery", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work, kept]);
  const receipts = await lab.broker.publish(
    [work, work, kept].map((to) => lab.outgoing(to, "somewhere")),
  );
  const positions = receipts.map((each) => (each as Receipt).position);
  const { deliveries } = await lab.hear({ channel: work });
  await lab.rest();
  deepEqual(
    deliveries.map(({ position }) => position),
    positions.slice(0, 2),
  );
  equal(positions[2], "kept@log[0]@0");
});

test("what a disk that fails has not taken may be there, and is told so", async () => {
  await using lab = new Lab("manual");
  void lab.broker.declare([work]).catch(() => undefined);
  const published = lab.broker.publish([lab.outgoing(work, "a")]);
  await lab.rest();
  lab.storage.fail("no space");
  deepEqual((await published).map(told), [["UNAVAILABLE", "maybe"]]);
});

/** As slow as no disk is: what it is at when the process dies may come through or not. */
const slow = 1_000;

test("what is published again under its id is there once, also after a crash that took its receipt", async () => {
  const lab = new Lab(slow);
  await lab.broker.declare([work]);
  const outgoing = lab.outgoing(work, "once");
  void lab.broker.publish([outgoing]).catch(() => undefined);
  await lab.rest();
  await using next = lab.crash({ torn: true });
  const other = next.outgoing(work, "another");
  const outcomes = await next.broker.publish([outgoing, outgoing, other]);
  deepEqual(outcomes.map(told), [["stored"], ["stored"], ["stored"]]);
  const waiting = await next.broker.browse(work, undefined, 10);
  deepEqual(waiting.map(textOf), ["once", "another"]);
});

test("a message without an id is never taken for another one", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  const nameless = { id: "" };
  await lab.broker.publish([lab.outgoing(work, "a", nameless), lab.outgoing(work, "b", nameless)]);
  equal((await lab.broker.lag(work, undefined)).waiting, 2);
});

test("an ack and what comes of it are both there after a crash, or neither is", async () => {
  for (const torn of [true, false]) {
    const lab = new Lab(slow);
    const out = channel({ name: "out", shape: "queue", guarantee: "exactly-once" });
    await lab.broker.declare([work, out]);
    await lab.broker.publish([lab.outgoing(work, "in")]);
    const { deliveries } = await lab.hear({ channel: work });
    await sleep(lab.env, 2 * slow);
    void deliveries[0]!.ack([lab.outgoing(out, "one"), lab.outgoing(out, "two")]).catch(() => {});
    await lab.rest();
    await using next = lab.crash({ torn });
    const left = async (of: typeof work): Promise<string[]> =>
      (await next.broker.browse(of, undefined, 10)).map(textOf);
    deepEqual([await left(work), await left(out)], torn ? [[], ["one", "two"]] : [["in"], []]);
  }
});

test("what is released is let go of before it comes again", async () => {
  await using lab = new Lab(1);
  await lab.broker.declare([work]);
  await lab.broker.publish([lab.outgoing(work, "again")]);
  const order: string[] = [];
  await lab.hear({ channel: work }, (delivery) => {
    order.push(`delivery ${delivery.attempt}`);
    if (delivery.attempt > 1) return;
    void sleep(lab.env, 5)
      .then(() => delivery.release())
      .then(() => order.push("released"));
  });
  await sleep(lab.env, 100);
  deepEqual(order, ["delivery 1", "released", "delivery 2"]);
});

test("outputs of a message that belongs to somebody else by now go nowhere", async () => {
  await using lab = new Lab();
  const out = channel({ name: "out", shape: "queue" });
  await lab.broker.declare([work, out]);
  await lab.broker.publish([lab.outgoing(work, "in")]);
  const { deliveries, consumer } = await lab.hear({ channel: work });
  await lab.rest();
  await consumer.close();
  const fenced = await deliveries[0]!.ack([lab.outgoing(out, "x")]).catch((e: unknown) => e);
  deepEqual(told(fenced as Error), ["UNAVAILABLE", "maybe"]);
  equal((await lab.broker.lag(out, undefined)).waiting, 0);
});

test("outputs that are refused leave the message with who has it", async () => {
  await using lab = new Lab();
  const out = channel({ name: "out", shape: "queue", lengthMax: 1 });
  await lab.broker.declare([work, out]);
  await lab.broker.publish([lab.outgoing(work, "in")]);
  const { deliveries } = await lab.hear({ channel: work });
  await lab.rest();
  const refused = await deliveries[0]!
    .ack([lab.outgoing(out, "fits"), lab.outgoing(out, "one too many")])
    .catch((error: unknown) => error);
  deepEqual(told(refused as Error), ["RESOURCE_EXHAUSTED", "no"]);
  equal((await lab.broker.lag(work, undefined)).waiting, 1);
  equal((await lab.broker.lag(out, undefined)).waiting, 0);
  await deliveries[0]!.ack();
  equal((await lab.broker.lag(work, undefined)).waiting, 0);
});

test("publishing waits for room and goes on in its order", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  lab.storage.setRoomy(false);
  const all = ["a", "b", "c"].map((text) => lab.broker.publish([lab.outgoing(work, text)]));
  await lab.rest();
  equal((await lab.broker.lag(work, undefined)).waiting, 0);
  lab.storage.setRoomy(true);
  const after = lab.broker.publish([lab.outgoing(work, "d")]);
  const outcomes = (await Promise.all([...all, after])).flat();
  ok(outcomes.every((each) => !isTrunklineError(each)));
  deepEqual((await lab.broker.browse(work, undefined, 9)).map(textOf), ["a", "b", "c", "d"]);
});

test("where there is no room for too long nothing was done, and consuming goes on meanwhile", async () => {
  await using lab = new Lab("turn", { blockedMs: 5_000 });
  await lab.broker.declare([work]);
  await lab.broker.publish([lab.outgoing(work, "before")]);
  lab.storage.setRoomy(false);
  const before = lab.env.now();
  const refused = await lab.broker.publish([lab.outgoing(work, "a"), lab.outgoing(work, "b")]);
  for (const each of refused) deepEqual(told(each), ["RESOURCE_EXHAUSTED", "no"]);
  ok(lab.env.now() - before >= 5_000);
  const { deliveries } = await lab.hear({ channel: work });
  await lab.rest();
  await deliveries[0]!.ack();
  equal((await lab.broker.lag(work, undefined)).waiting, 0);
});

test("what waits for room when its broker is closed was not done", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  lab.storage.setRoomy(false);
  const waiting = lab.broker.publish([lab.outgoing(work, "a")]);
  await lab.broker.close();
  deepEqual((await waiting).map(told), [["RESOURCE_EXHAUSTED", "no"]]);
});

test("of a compacted topic a new group has the last message of each key", async () => {
  await using lab = new Lab();
  const prices = channel({ name: "prices", shape: "topic", compacted: true });
  await lab.broker.declare([prices]);
  const of = (subject: string, text: string) => lab.outgoing(prices, text, { subject });
  await lab.broker.publish([of("tea", "1"), of("milk", "2"), of("tea", "3")]);
  const { texts } = await lab.hear({ channel: prices, group: "late", from: "first" });
  await sleep(lab.env, 10);
  deepEqual(texts(), ["2", "3"]);
  await lab.broker.publish([of("milk", "4")]);
  await lab.rest();
  deepEqual(texts(), ["2", "3", "4"]);
});

test("a queue that is full refuses, and says so", async () => {
  await using lab = new Lab();
  const small = channel({ name: "small", shape: "queue", lengthMax: 2 });
  await lab.broker.declare([small]);
  const outcomes = await lab.broker.publish(
    ["a", "b", "c"].map((text) => lab.outgoing(small, text)),
  );
  deepEqual(outcomes.map(told), [["stored"], ["stored"], ["RESOURCE_EXHAUSTED", "no"]]);
});

test("a group that begins with what is kept has all of it once, wherever it was when the process died", async () => {
  const texts = Array.from({ length: 1_000 }, (_, index) => String(index));
  const group = { channel: kept, group: "late", from: "first", prefetch: 2_000 } as const;
  const fed = new Set<number>();
  for (let turns = 0; turns < 12; turns++) {
    const lab = new Lab();
    await lab.broker.declare([kept]);
    await lab.broker.publish(texts.map((text) => lab.outgoing(kept, text)));
    const { consumer } = await lab.hear(group);
    consumer.pause();
    await lab.rest(turns);
    await using next = lab.crash();
    fed.add(next.node.host("/").queue("kept@late")?.count ?? 0);
    await next.broker.publish([next.outgoing(kept, "during")]);
    await sleep(next.env, 100);
    await next.broker.publish([next.outgoing(kept, "after")]);
    const late = await next.hear(group);
    await sleep(next.env, 100);
    deepEqual(late.texts(), [...texts, "during", "after"], `it died after ${turns} turns`);
    equal(next.shared.feeds.behind("kept@late"), 0);
    equal(next.node.host("/").topology.bindingsTo("queue", "kept@late").length, 1);
  }
  ok(fed.size > 2, `it always died at the same place: ${[...fed].join()}`);
});

test("a group whose queue is deleted while it is filled begins anew, and has nothing twice", async () => {
  await using lab = new Lab();
  await lab.broker.declare([kept]);
  const texts = Array.from({ length: 1_000 }, (_, index) => String(index));
  await lab.broker.publish(texts.map((text) => lab.outgoing(kept, text)));
  const late = await lab.hear({ channel: kept, group: "late", from: "first", prefetch: 5_000 });
  while (late.deliveries.length === 0) await lab.rest(1);
  const before = late.deliveries.length;
  ok(before < texts.length, "it was filled already");
  lab.node.host("/").deleteQueue("kept@late");
  await sleep(lab.env, 5_000);
  deepEqual(late.texts().slice(before), texts);
});

test("a group is put back to an instant, and what it has still to get counts as what waits", async () => {
  await using lab = new Lab();
  await lab.broker.declare([{ ...kept, groups: ["g"] }]);
  await lab.broker.publish([lab.outgoing(kept, "early")]);
  await sleep(lab.env, 60_000);
  const instant = lab.env.wall();
  await lab.broker.publish(["a", "b"].map((text) => lab.outgoing(kept, text)));
  await lab.broker.reset(kept, "g", instant);
  await sleep(lab.env, 10);
  equal((await lab.broker.lag(kept, "g")).waiting, 2);
  const { texts } = await lab.hear({ channel: kept, group: "g" });
  await lab.rest();
  deepEqual(texts(), ["a", "b"]);
});

test("a consumer without a group begins with what is kept, and leaves nothing behind", async () => {
  await using lab = new Lab();
  await lab.broker.declare([kept]);
  await lab.broker.publish(["a", "b"].map((text) => lab.outgoing(kept, text)));
  const { consumer, texts } = await lab.hear({ channel: kept, from: "first" });
  await sleep(lab.env, 10);
  await lab.broker.publish([lab.outgoing(kept, "c")]);
  await lab.rest();
  deepEqual(texts(), ["a", "b", "c"]);
  await consumer.close();
  deepEqual(
    [...lab.node.host("/").queues()].map(({ name }) => name),
    ["kept@log"],
  );
});

test("who consumes exclusively consumes alone, and the next one when it has left", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  const first = await lab.hear({ channel: work, exclusive: true }, (each) => void each.ack());
  const second = await lab.hear({ channel: work, exclusive: true }, (each) => void each.ack());
  await lab.broker.publish([lab.outgoing(work, "a")]);
  await lab.rest();
  await first.consumer.close();
  await lab.broker.publish([lab.outgoing(work, "b")]);
  await lab.rest();
  deepEqual([first.texts(), second.texts()], [["a"], ["b"]]);
});

test("a consumer whose queue is deleted has it again", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  const { texts, deliveries } = await lab.hear({ channel: work });
  await lab.broker.publish([lab.outgoing(work, "before")]);
  await lab.rest();
  lab.node.host("/").deleteQueue("work");
  await sleep(lab.env, 2_000);
  await lab.broker.publish([lab.outgoing(work, "after")]);
  await lab.rest();
  deepEqual(texts(), ["before", "after"]);
  const fenced = (await deliveries[0]!.ack().catch((error: unknown) => error)) as Error;
  deepEqual(told(fenced), ["UNAVAILABLE", "maybe"]);
});

test("what a client of AMQP has published in its own way is read, under the same id each time", async () => {
  await using lab = new Lab();
  await lab.broker.declare([work]);
  const properties = writeProperties({
    contentType: "text/plain",
    type: "note",
    headers: { lane: "slow" },
  });
  lab.node.host("/").publish({
    exchange: "",
    routingKey: "work",
    properties,
    body: Buffer.from("hello"),
    persistent: true,
    priority: 0,
    expirationMs: undefined,
    key: undefined,
  });
  const { deliveries } = await lab.hear({ channel: work }, (each) => {
    if (each.attempt === 1) void each.release();
  });
  await lab.rest();
  const [first, second] = deliveries.map(({ envelope }) => envelope);
  deepEqual([first!.type, first!.attributes, textOf(first!)], ["note", { lane: "slow" }, "hello"]);
  equal(first!.id, "work[0]@1");
  equal(second!.id, first!.id);
});

test("how far each shard is behind is told, and who has it", async () => {
  await using lab = new Lab();
  const ordered = channel({ name: "ordered", shape: "queue", ordered: true, shards: 2 });
  await lab.broker.declare([ordered]);
  const keys = ["a", "b", "c", "d", "e", "f"];
  await lab.broker.publish(keys.map((subject) => lab.outgoing(ordered, subject, { subject })));
  const before = await lab.broker.lag(ordered, undefined);
  const { deliveries } = await lab.hear({ channel: ordered, prefetch: 1 });
  await lab.rest();
  equal(deliveries.length, 1);
  const { waiting, shards } = await lab.broker.lag(ordered, undefined);
  equal(waiting, 6);
  deepEqual(
    shards,
    before.shards.map((each) => ({ ...each, consumer: "lab" })),
  );
});

test("a durable box has what came before a crash, a transient one is gone when its reader does not come back", async () => {
  const lab = new Lab();
  const heard: string[] = [];
  const hear = (envelope: Parameters<typeof textOf>[0]): void => void heard.push(textOf(envelope));
  const durable = await lab.broker.replies({ name: "asker" }, hear);
  const transient = await lab.broker.replies({ name: undefined }, hear);
  const since = lab.env.wall();
  await lab.broker.reply(durable.address, lab.envelope("durable"));
  await lab.broker.reply(transient.address, lab.envelope("transient"));
  await lab.rest();
  await using next = lab.crash();
  await next.broker.reply(transient.address, next.envelope("to nobody"));
  await next.broker.replies({ name: "asker", since }, hear);
  await sleep(next.env, 11_000);
  deepEqual(heard, ["durable", "transient", "durable"]);
  const names = [...next.node.host("/").queues()].map(({ name }) => name);
  deepEqual(names, ["kept/asker"]);
});
