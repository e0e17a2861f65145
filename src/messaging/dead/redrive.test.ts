import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import type { Outgoing } from "../../broker/broker.ts";
import { deadChannelOf } from "./letter.ts";
import { Lab, noTransactions, textOf, type Bent } from "./testing/lab.ts";

suite("a redrive", () => {
  test("brings a message to the group that failed, and to no other, under its own id, its attempts anew", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer({ retry: { soon: 2, later: 0 } });
    await lab.publish("a", "a1");
    await sleep(lab.env, 1_000);
    await lab.consumer({ group: "fraud" });
    await lab.settle();
    lab.failing.clear();
    lab.handled.length = 0;
    const report = await lab.redrive({ by: "ops" });
    deepEqual(lab.handled, ["billing:a1"]);
    const { envelope, attempt } = lab.received.at(-1)!;
    deepEqual([envelope.id, attempt, envelope.attributes["colour"]], ["id-1", 1, "blue"]);
    deepEqual(
      [report.found, report.meant, report.counts.handled, report.complete, report.by],
      [1, 1, 1, true, "ops"],
    );
    deepEqual(await lab.dead(), []);
    deepEqual(
      lab.told("redriven").map(({ id, by, reason }) => [id, by, reason]),
      [["id-1", "ops", "handled"]],
    );
    equal(lab.told("redrive").length, 1);
  });

  test("of a blocked key each goes when the one before it is handled, and the key is free after the last", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1", "a2", "a3");
    lab.failing.clear();
    const { counts } = await lab.redrive();
    equal(counts.handled, 3);
    equal(consumer.stats().blockedKeys, 0);
    await lab.publish("a", "a4");
    deepEqual(
      lab.handled,
      ["a1", "a2", "a3", "a4"].map((text) => `billing:${text}`),
    );
    deepEqual(
      lab.told("freed").map(({ key }) => key),
      ["a"],
    );
  });

  test("what arrives while a key is being redriven follows, in order", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer();
    await lab.publish("a", "a1", "a2");
    lab.failing.clear();
    let next = 3;
    const bent: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) => {
        if (next <= 6) await lab.publish("a", `a${next++}`);
        return broker.publish(messages);
      },
    });
    await lab.redrive({}, bent);
    await sleep(lab.env, 1_000);
    deepEqual(
      lab.handled,
      [1, 2, 3, 4, 5, 6].map((each) => `billing:a${each}`),
    );
    deepEqual(await lab.dead(), []);
  });

  test("one that dies again stops its key, keeps its place, and is not redriven twice", async () => {
    await using lab = new Lab();
    lab.failing.add("a1").add("b1").add("a2");
    await lab.consumer();
    await lab.publish("a", "a1", "a2", "a3");
    await lab.publish("b", "b1", "b2");
    lab.failing.delete("a1");
    lab.failing.delete("b1");
    const { counts, complete } = await lab.redrive();
    deepEqual([counts.handled, counts.buried, complete], [3, 1, false]);
    deepEqual(lab.handled.toSorted(), ["billing:a1", "billing:b1", "billing:b2"]);
    await lab.publish("a", "a4");
    deepEqual(await lab.dead(), ["a2", "a3", "a4"]);
    const [first] = await lab.letters();
    deepEqual([first!.deaths, first!.first.why, first!.last.why], [2, "blocked", "failed"]);
    lab.failing.clear();
    await lab.redrive();
    deepEqual(
      lab.handled.filter((text) => text.startsWith("billing:a")),
      ["billing:a1", "billing:a2", "billing:a3", "billing:a4"],
    );
  });

  test("it keeps the order over a consumer that changes in between", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1", "a2");
    lab.failing.clear();
    await lab.redrive({ limit: 1 });
    deepEqual(lab.handled, ["billing:a1"]);
    await consumer.stop(0);
    await lab.publish("a", "a3");
    await lab.consumer();
    await lab.settle();
    deepEqual(lab.handled, ["billing:a1"]);
    await lab.redrive();
    deepEqual(lab.handled, ["billing:a1", "billing:a2", "billing:a3"]);
  });

  test("without a consumer a blocked key keeps its letters, and nothing overtakes them when one comes", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1");
    await consumer.stop(0);
    await lab.publish("a", "a2");
    lab.failing.clear();
    const { counts } = await lab.redrive({ within: "2s" });
    equal(counts.unanswered, 1);
    deepEqual(await lab.dead(), ["a1"]);
    await lab.consumer();
    await lab.settle();
    await lab.redrive();
    equal(new Set(lab.handled).size, 2);
    deepEqual([...new Set(lab.handled)], ["billing:a1", "billing:a2"]);
    deepEqual(await lab.dead(), []);
  });

  test("where nobody answers it does not go through all keys", async () => {
    await using lab = new Lab();
    const { consumer } = await lab.consumer();
    for (let index = 0; index < 150; index++) {
      lab.failing.add(`k${index}`);
      await lab.publish(`key-${index}`, `k${index}`);
    }
    await consumer.stop(0);
    const { counts, meant, complete } = await lab.redrive({ within: "10s" });
    deepEqual([meant, counts.unanswered, complete], [150, 64, false]);
    equal((await lab.dead()).length, 150);
  });

  test("one that dies midway loses nothing, and leaves the rest where it is", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    await lab.consumer();
    await lab.publish("a", "a1", "a2", "a3");
    lab.failing.clear();
    let sent = 0;
    const dying: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) => {
        if (++sent === 2) {
          await broker.publish(messages);
          await broker.close();
          return new Promise<never>(() => {}); // its process is gone
        }
        return broker.publish(messages);
      },
    });
    void lab.redrive({}, dying);
    await sleep(lab.env, 5_000);
    deepEqual(lab.handled, ["billing:a1", "billing:a2"]);
    deepEqual(await lab.dead(), ["a2", "a3"]);
    await lab.redrive();
    deepEqual(lab.handled, ["billing:a1", "billing:a2", "billing:a3"]);
    deepEqual(await lab.dead(), []);
    await lab.publish("a", "a4");
    equal(lab.handled.at(-1), "billing:a4");
  });

  test("where no order is asked all go at once, and one that dies again is not tried twice", async () => {
    await using lab = new Lab(false);
    for (const text of ["x1", "x2", "x3"]) lab.failing.add(text);
    await lab.consumer();
    await lab.publish(undefined, "x1", "x2", "x3");
    lab.failing.delete("x1");
    lab.failing.delete("x3");
    const { counts, complete } = await lab.redrive({}, noTransactions);
    deepEqual([counts.redriven, complete], [3, true]);
    await lab.settle();
    deepEqual(lab.handled.toSorted(), ["billing:x1", "billing:x3"]);
    deepEqual(await lab.dead(), ["x2"]);
    equal(lab.received.filter(({ envelope }) => textOf(envelope) === "x2").length, 2);
  });

  test("a letter is taken away only when its message is safe", async () => {
    await using lab = new Lab(false);
    lab.failing.add("x1");
    await lab.consumer();
    await lab.publish(undefined, "x1");
    const refusing: Bent = (broker) => ({
      ...noTransactions(broker),
      publish: async (messages: readonly Outgoing[]) =>
        messages.map(() => systemError("UNAVAILABLE", "no such queue", { executed: "no" })),
    });
    const { counts, letters } = await lab.redrive({}, refusing);
    deepEqual([counts.refused, letters[0]!.reason], [1, "no such queue"]);
    deepEqual(await lab.dead(), ["x1"]);
  });

  test("of a message with an expiry that is over the redrive is the better wish", async () => {
    await using lab = new Lab(false);
    const broker = await lab.broker();
    lab.failing.add("x1");
    await lab.consumer();
    const envelope = {
      ...{ id: "7", type: "orders.placed", source: "/lab", subject: undefined },
      ...{ time: 0, contentType: "text/plain", data: new TextEncoder().encode("x1") },
      attributes: { expirytime: new Date(lab.env.wall() + 60_000).toISOString() },
    };
    await broker.publish([{ channel: lab.channel, envelope }]);
    await sleep(lab.env, 120_000);
    lab.failing.clear();
    await lab.redrive();
    await lab.settle();
    deepEqual(lab.handled, ["billing:x1"]);
  });
});

suite("what a redrive is told", () => {
  async function three(): Promise<Lab> {
    const lab = new Lab();
    lab.failing.add("a1").add("b1");
    await lab.consumer();
    await lab.publish("a", "a1", "a2");
    await lab.publish("b", "b1");
    await lab.publish("c", "never");
    lab.failing.clear();
    return lab;
  }

  test("a dry run says what would go, and sends nothing", async () => {
    await using lab = await three();
    const { counts, letters, dryRun } = await lab.redrive({ dryRun: true, where: { key: "a" } });
    deepEqual([counts.planned, dryRun], [2, true]);
    deepEqual(
      letters.map(({ id, fate }) => [id, fate]),
      [
        ["id-1", "planned"],
        ["id-2", "planned"],
      ],
    );
    equal((await lab.dead()).length, 4);
    deepEqual(lab.handled, []);
  });

  test("a filter means the first letter of a key, and the others go with it", async () => {
    await using lab = await three();
    await lab.redrive({ where: { why: "failed", id: "id-1" } });
    deepEqual(lab.handled, ["billing:a1", "billing:a2"]);
    equal((await lab.redrive({ where: { code: "nothing" } })).meant, 0);
    equal((await lab.redrive({ where: { before: lab.env.wall() - 3_600_000 } })).meant, 0);
    equal((await lab.redrive({ where: { since: lab.env.wall() + 1 } })).meant, 0);
    const { counts } = await lab.redrive({ where: { why: "rejected" } });
    deepEqual([counts.buried, counts.handled], [1, 0]);
    deepEqual(await lab.dead(), ["b1", "never"]);
  });

  test("a second letter of a blocked key alone is not meant: it would overtake the first", async () => {
    await using lab = await three();
    equal((await lab.redrive({ where: { id: "id-2" } })).meant, 0);
    deepEqual(lab.handled, []);
  });

  test("a limit and a rate hold", async () => {
    await using lab = new Lab(false);
    const texts = Array.from({ length: 9 }, (_, index) => `x${index}`);
    for (const text of texts) lab.failing.add(text);
    await lab.consumer();
    await lab.publish(undefined, ...texts);
    lab.failing.clear();
    const began = lab.env.now();
    const { counts } = await lab.redrive({ limit: 5, perSecond: 2 });
    equal(counts.redriven, 5);
    ok(lab.env.now() - began >= 2_000);
    equal((await lab.dead()).length, 4);
    await rejects(lab.redrive({ limit: 0 }), { code: "INVALID_ARGUMENT" });
  });

  test("what stands there and is no dead letter of the group stays", async () => {
    await using lab = await three();
    const broker = await lab.broker();
    const dead = deadChannelOf(lab.channel, "billing");
    const [known] = await lab.letters();
    const strange = { ...known!.envelope, id: "strange", attributes: { deadletter: "{}" } };
    const text = known!.envelope.attributes["deadletter"]!.replace('"billing"', '"fraud"');
    const others = { ...known!.envelope, id: "others", attributes: { deadletter: text } };
    await broker.publish([strange, others].map((envelope) => ({ channel: dead, envelope })));
    const report = await lab.redrive({ where: { key: "a" } });
    deepEqual([report.foreign, report.counts.handled], [2, 2]);
    const left = await broker.browse(dead, undefined, 100);
    deepEqual(
      left.map(({ id }) => id).filter((id) => !id.startsWith("id-")),
      ["strange", "others"],
    );
  });

  test("it stops when its signal aborts", async () => {
    await using lab = new Lab();
    lab.failing.add("a1");
    const { consumer } = await lab.consumer();
    await lab.publish("a", "a1", "a2");
    await consumer.stop(0);
    const stop = new AbortController();
    const running = lab.redrive({ within: "1h", signal: stop.signal });
    await sleep(lab.env, 60_000);
    stop.abort();
    const { counts } = await running;
    equal(counts.unanswered, 1);
    match(lab.told("redrive")[0]!.reason!, /unanswered/);
  });
});
