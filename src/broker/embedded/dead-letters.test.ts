import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { readProperties } from "../../wire/amqp091/properties.ts";
import type { Message } from "./message.ts";
import { NodeBench } from "./testing/bench.ts";

const toDead = { deadLetterExchange: "", deadLetterRoutingKey: "dead" };

interface Death {
  readonly queue: string;
  readonly reason: string;
  readonly count: number;
}

function deathsOf({ properties }: Message): readonly Death[] {
  return (readProperties(properties).headers?.["x-death"] ?? []) as unknown as readonly Death[];
}

/** What is in a queue: of each message the queues and reasons that it died of, the last first. */
async function lying(bench: NodeBench, queue: string): Promise<string[][]> {
  const rows = await bench.host.queue(queue)!.browse(100);
  return rows.map(({ message }) =>
    deathsOf(message).map(({ queue: of, reason, count }) => `${of} ${reason} ${count}`),
  );
}

suite("dead letters of an embedded broker", () => {
  test("tell why they are dead, whatever it was", async () => {
    const bench = new NodeBench();
    bench.queue("dead");
    bench.queue("rejecting", toDead);
    bench.queue("short", { ...toDead, ttlMs: 10 });
    bench.queue("small", { ...toDead, lengthMax: 1 });
    bench.queue("full", { ...toDead, lengthMax: 0, overflow: "reject-publish-dlx" });
    bench.queue("patient", { ...toDead, deliveryLimit: 1 });
    bench.send("rejecting", ["1"]);
    bench.consume("rejecting").reject("1");
    bench.send("small", ["2", "3"]);
    bench.send("full", ["4"]);
    bench.send("patient", ["5"]);
    const patient = bench.consume("patient");
    patient.release("5");
    patient.release("5");
    bench.send("short", ["6"]);
    await bench.after(50);
    assert.deepEqual(await lying(bench, "dead"), [
      ["rejecting rejected 1"],
      ["small maxlen 1"],
      ["full maxlen 1"],
      ["patient delivery_limit 1"],
      ["short expired 1"],
    ]);
    assert.deepEqual(await bench.texts("dead"), ["1", "2", "4", "5", "6"]);
  });

  test("go round no second time when nobody rejected them on their way", async () => {
    const bench = new NodeBench();
    bench.queue("a", { ttlMs: 10, deadLetterExchange: "", deadLetterRoutingKey: "b" });
    bench.queue("b", { ttlMs: 10, deadLetterExchange: "", deadLetterRoutingKey: "a" });
    bench.send("a", ["1"]);
    await bench.after(15);
    assert.deepEqual(await lying(bench, "b"), [["a expired 1"]]);
    await bench.after(100);
    for (const queue of ["a", "b"]) assert.equal(bench.host.queue(queue)?.count, 0);
  });

  test("go round as often as somebody rejects them, and are counted", async () => {
    const bench = new NodeBench();
    bench.queue("a", { deadLetterExchange: "", deadLetterRoutingKey: "later" });
    bench.queue("later", { ttlMs: 10, deadLetterExchange: "", deadLetterRoutingKey: "a" });
    const hearing = bench.consume("a");
    bench.send("a", ["1"]);
    for (let round = 1; round <= 3; round++) {
      assert.equal(hearing.handed.length, round);
      hearing.reject("1");
      await bench.after(30);
    }
    assert.deepEqual(
      deathsOf(hearing.of("1").message).map(({ queue, count }) => [queue, count]),
      [
        ["later", 3],
        ["a", 3],
      ],
    );
  });

  test("go where exchanges lead, into logs too, and nowhere when there is no such exchange", async () => {
    const bench = new NodeBench();
    for (const destination of ["one", "two"]) {
      bench.queue(destination, { kind: destination === "two" ? "log" : "queue" });
      bench.host.bind({
        source: "amq.fanout",
        to: "queue",
        destination,
        routingKey: "",
        arguments: {},
      });
    }
    bench.queue("q", { deadLetterExchange: "amq.fanout" });
    bench.queue("lost", { deadLetterExchange: "none" });
    bench.send("q", ["1"]);
    bench.send("lost", ["2"]);
    bench.consume("q").reject("1");
    bench.consume("lost").reject("2");
    for (const queue of ["one", "two"]) assert.deepEqual(await bench.texts(queue), ["1"]);
    assert.equal(bench.host.queue("lost")?.count, 0);
  });

  test("are in one place at every instant at which the process can die", async () => {
    for (let commits = 0; commits < 8; commits++) {
      const bench = new NodeBench({}, "manual");
      bench.queue("dead");
      bench.queue("q", toDead);
      bench.storage.commit();
      bench.send("q", ["1"]);
      bench.storage.commit();
      const hearing = bench.consume("q");
      hearing.reject("1");
      for (let each = 0; each < commits; each++) bench.storage.commit();
      bench.restart({ power: commits % 2 === 0 });
      const found = [...(await bench.texts("q")), ...(await bench.texts("dead"))];
      assert.deepEqual(found, ["1"], `after ${commits} commits`);
    }
  });
});
