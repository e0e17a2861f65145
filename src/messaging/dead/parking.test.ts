import { deepEqual, equal, match, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import type { Outgoing } from "../../broker/broker.ts";
import { deadChannelOf } from "./letter.ts";
import { Lab, noTransactions, textOf, type Bent } from "./testing/lab.ts";

suite("parking by key", () => {
  test("later messages of a key follow the one that died, in their order, and other keys go on", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1", "a2");
    await lab.publish("b", "b1");
    await lab.publish("a", "a3");
    deepEqual(await lab.dead(), ["a1", "a2", "a3"]);
    deepEqual(lab.handled, ["billing:b1"]);
    equal(consumer.stats().blockedKeys, 1);
    deepEqual(
      (await lab.letters()).map(({ last }) => last.why),
      ["failed", "blocked", "blocked"],
    );
    deepEqual(
      lab.told("blocked").map(({ key, group }) => [key, group]),
      [["a", "billing"]],
    );
  });

  test("another group is not concerned", async () => {
    await using lab = new Lab();
    await lab.consumer({ group: "fraud" });
    lab.failing.add("a1");
    await lab.publish("a", "a2");
    await lab.consumer();
    await lab.publish("a", "a3");
    deepEqual(lab.handled.toSorted(), ["billing:a2", "billing:a3", "fraud:a2", "fraud:a3"]);
  });

  test("a consumer that gets a shard knows which of its keys are blocked", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1");
    await consumer.stop(0);
    await lab.publish("a", "a2");
    await lab.publish("b", "b1");
    const second = await lab.consumer();
    await lab.settle();
    deepEqual(lab.handled, ["billing:b1"]);
    deepEqual(await lab.dead(), ["a1", "a2"]);
    equal(second.consumer.stats().blockedKeys, 1);
  });

  test("what had to come to a second consumer while both live keeps its order", async () => {
    await using lab = new Lab();
    lab.failing.add("a1").add("b1").add("c1").add("d1");
    const keys = ["a", "b", "c", "d"];
    await lab.consumer();
    for (const key of keys) await lab.publish(key, `${key}1`, `${key}2`);
    await lab.consumer();
    for (const key of keys) await lab.publish(key, `${key}3`);
    deepEqual(lab.handled, []);
    for (const key of keys)
      deepEqual(
        (await lab.dead()).filter((text) => text.startsWith(key)),
        [`${key}1`, `${key}2`, `${key}3`],
      );
  });

  test("nothing of a shard is handled while its blocked keys cannot be seen, which is told", async () => {
    await using lab = new Lab();
    let blind = true;
    const bent: Bent = (broker) => ({
      browse: (...asked) =>
        blind
          ? Promise.reject(systemError("UNAVAILABLE", "no look", { executed: "no" }))
          : broker.browse(...asked),
    });
    await lab.consumer({ bent });
    await lab.publish("a", "a1");
    await sleep(lab.env, 3_000);
    deepEqual(lab.handled, []);
    ok(lab.told("unseen").length > 1);
    match(lab.told("unseen")[0]!.reason!, /no look/);
    blind = false;
    await sleep(lab.env, 10_000);
    deepEqual(lab.handled, ["billing:a1"]);
  });

  test("nothing is handled while there can be no dead letters, which is told", async () => {
    await using lab = new Lab();
    let full = true;
    const bent: Bent = (broker) => ({
      declare: (all) =>
        full && all.some(({ name }) => name.endsWith(".dead"))
          ? Promise.reject(systemError("RESOURCE_EXHAUSTED", "no room", { executed: "no" }))
          : broker.declare(all),
    });
    await lab.consumer({ bent });
    await lab.publish("a", "a1");
    await sleep(lab.env, 3_000);
    deepEqual(lab.handled, []);
    match(lab.told("unseen")[0]!.reason!, /no room/);
    full = false;
    await sleep(lab.env, 10_000);
    deepEqual(lab.handled, ["billing:a1"]);
  });

  test("while somebody has letters in hand that a look may not show, nothing that might overtake them is handled", async () => {
    await using lab = new Lab();
    let consumer: string | undefined = "somebody";
    const bent: Bent = (broker) => ({
      lag: async (...asked) => {
        const { waiting } = await broker.lag(...asked);
        return { waiting, shards: [{ shard: "0", waiting, consumer }] };
      },
    });
    await lab.consumer({ bent });
    await lab.publish("a", "a1");
    await sleep(lab.env, 3_000);
    deepEqual(lab.handled, []);
    consumer = undefined;
    await sleep(lab.env, 10_000);
    deepEqual(lab.handled, ["billing:a1"]);
  });

  test("more dead letters than there should be are told, and none is dropped", async () => {
    await using lab = new Lab();
    lab.failing.add("a1").add("b1");
    await lab.consumer({ letters: { perKeyMax: 2, max: 4 } });
    await lab.publish("a", "a1", "a2");
    equal(lab.told("full").length, 0);
    await lab.publish("a", "a3");
    match(lab.told("full")[0]!.reason!, /2 dead letters of this key/);
    await lab.publish("b", "b1", "b2");
    equal((await lab.dead()).length, 5);
    ok(lab.told("full").some(({ reason }) => /4 dead letters of the group/.test(reason!)));
  });
});

suite("parking by message", () => {
  test("later messages of the key go on", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer({ dead: "park-message" });
    await lab.publish("a", "a1", "a2");
    deepEqual(lab.handled, ["billing:a2"]);
    deepEqual(await lab.dead(), ["a1"]);
  });

  test("a dead letter may have an expiry of its own", async () => {
    await using lab = new Lab(false);
    lab.failing.add("a1");
    await lab.consumer({ letters: { expires: "1h" } });
    await lab.publish(undefined, "a1");
    const [letter] = await lab.letters();
    equal(letter!.envelope.attributes["expirytime"], "2026-01-01T01:00:00.000Z");
  });
});

suite("a shard that stops", () => {
  test("nothing after the message that fails is handled until it is, and nothing is dead", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer({ dead: "stop-shard" });
    await lab.publish("a", "a1", "a2");
    await sleep(lab.env, 100_000);
    deepEqual(lab.handled, []);
    deepEqual(
      lab.told("stopped").map(({ id, reason }) => [id, reason]),
      Array.from({ length: 4 }, () => ["id-1", "failed: Error"]),
    );
    lab.failing.clear();
    await sleep(lab.env, 40_000);
    deepEqual(lab.handled, ["billing:a1", "billing:a2"]);
    deepEqual(await lab.dead(), []);
  });

  test("what its handler rejects stops nobody", async () => {
    await using lab = new Lab();
    await lab.consumer({ dead: "stop-shard" });
    await lab.publish("a", "never", "a2");
    deepEqual(lab.handled, ["billing:a2"]);
    deepEqual(await lab.dead(), ["never"]);
  });
});

suite("burying", () => {
  test("a dead letter is safe before its message is gone", async () => {
    await using lab = new Lab();
    const steps: string[] = [];
    const bent: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) => {
        const receipts = await broker.publish(messages);
        const { waiting } = await broker.lag(lab.channel, "billing");
        steps.push(`confirmed while ${waiting} of the group`);
        return receipts;
      },
    });
    lab.failing.add("a1");
    await lab.consumer({ bent });
    await lab.publish("a", "a1");
    deepEqual(steps, ["confirmed while 1 of the group"]);
    equal((await (await lab.broker()).lag(lab.channel, "billing")).waiting, 0);
  });

  test("one that fails is tried again, and nothing of its key overtakes it meanwhile", async () => {
    await using lab = new Lab();
    let down = true;
    const bent: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) =>
        down
          ? messages.map(() =>
              systemError("UNAVAILABLE", "no dead letters now", { executed: "no" }),
            )
          : broker.publish(messages),
    });
    lab.failing.add("a1");
    await lab.consumer({ bent });
    await lab.publish("a", "a1", "a2");
    await lab.publish("b", "b1");
    await sleep(lab.env, 20_000);
    deepEqual(await lab.dead(), []);
    deepEqual(lab.handled, ["billing:b1"]);
    deepEqual(
      lab.told("stopped").map(({ id, reason }) => [id, reason]),
      [["id-1", "it cannot be buried: no dead letters now"]],
    );
    down = false;
    await sleep(lab.env, 10_000);
    deepEqual(await lab.dead(), ["a1", "a2"]);
    equal(lab.received.filter(({ envelope }) => textOf(envelope) === "a1").length, 1);
  });

  test("a consumer that dies between publish and ack leaves a second letter at most", async () => {
    await using lab = new Lab();
    const bent: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) => {
        await broker.publish(messages);
        return new Promise<never>(() => {}); // its process is gone
      },
    });
    lab.failing.add("a1");
    const { broker } = await lab.consumer({ bent });
    await lab.publish("a", "a1", "a2");
    await broker.close();
    await lab.consumer();
    await lab.settle();
    deepEqual(await lab.dead(), ["a1", "a1", "a2"]);
    lab.failing.clear();
    const { counts, complete } = await lab.redrive();
    deepEqual([counts.handled, complete], [2, true]);
    deepEqual(lab.handled, ["billing:a1", "billing:a2"]);
    await lab.publish("a", "a3");
    equal(lab.handled.at(-1), "billing:a3");
  });

  test("a letter keeps all that its message said, and says where it comes from", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer({ retry: { soon: 2, later: 0 } });
    await lab.publish("a", "a1");
    await sleep(lab.env, 1_000);
    const [letter] = await lab.letters();
    const { id, key, type, attempts, deaths, first, by, envelope } = letter!;
    deepEqual([id, key, type, attempts, deaths, by], ["id-1", "a", "orders.placed", 3, 1, "lab"]);
    deepEqual([first.why, first.code, first.reason], ["failed", "Error", "a1"]);
    match(first.stackHash!, /^[0-9a-f]{12}$/);
    deepEqual(
      [envelope.source, envelope.attributes["colour"], textOf(envelope)],
      ["/lab", "blue", "a1"],
    );
    equal(deadChannelOf(lab.channel, "billing").name, "orders.1.placed.billing.dead");
    equal(deadChannelOf(lab.channel, undefined).name, "orders.1.placed.dead");
  });
});
