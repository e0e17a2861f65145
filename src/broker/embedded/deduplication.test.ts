import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { type Properties, writeProperties } from "../../wire/amqp091/properties.ts";
import type { Published } from "./virtual-host.ts";
import { NodeBench } from "./testing/bench.ts";

const once = { "x-message-deduplication": true };

function publish(
  bench: NodeBench,
  exchange: string,
  routingKey: string,
  said: Properties,
): Published {
  const properties = writeProperties(said);
  return bench.host.publish(bench.message("x", { exchange, routingKey, properties }));
}

function countOf(bench: NodeBench, queue: string): number {
  return bench.host.queue(queue)!.count;
}

suite("messages that are published again", () => {
  test("are taken once by a queue that asks for it, and count as published", () => {
    const bench = new NodeBench();
    bench.queue("q", { arguments: once });
    const first = publish(bench, "", "q", { messageId: "1" });
    const again = publish(bench, "", "q", { messageId: "1" });
    assert.deepEqual(again, { queues: 1, refused: false, batch: first.batch });
    publish(bench, "", "q", { messageId: "2" });
    publish(bench, "", "q", {});
    publish(bench, "", "q", {});
    assert.equal(countOf(bench, "q"), 4);
  });

  test("are taken by all others as often as they come", () => {
    const bench = new NodeBench();
    bench.queue("q");
    for (let times = 0; times < 3; times++) publish(bench, "", "q", { messageId: "1" });
    assert.equal(countOf(bench, "q"), 3);
  });

  test("are known by the header that the arguments name, for as long as these say", () => {
    const bench = new NodeBench();
    const given = { ...once, "x-deduplication-header": "own", "x-cache-ttl": 1_000 };
    bench.host.declareExchange({
      ...{ name: "x", type: "fanout", durable: true, autoDelete: false, internal: false },
      arguments: given,
    });
    for (const destination of ["a", "b"]) {
      bench.queue(destination);
      bench.host.bind({ source: "x", to: "queue", destination, routingKey: "", arguments: {} });
    }
    const send = (messageId: string) =>
      publish(bench, "x", "", { messageId, headers: { own: "same" } });
    send("1");
    send("2");
    assert.equal(countOf(bench, "a"), 1);
    bench.env.stall(1_500);
    send("3");
    assert.equal(countOf(bench, "a"), 2);
    assert.equal(countOf(bench, "b"), 2);
  });

  test("are known by the next process, when they are there", async () => {
    const bench = new NodeBench();
    bench.queue("q", { arguments: once });
    publish(bench, "", "q", { messageId: "1" });
    const properties = writeProperties({ messageId: "fleeting" });
    const fleeting = { routingKey: "q", persistent: false, properties };
    bench.host.publish(bench.message("x", fleeting));
    await bench.after();
    bench.restart();
    publish(bench, "", "q", { messageId: "1" });
    publish(bench, "", "q", { messageId: "fleeting" });
    assert.equal(countOf(bench, "q"), 2);
  });

  test("are taken when they had no place before", () => {
    const bench = new NodeBench();
    bench.queue("q", { arguments: once, lengthMax: 1, overflow: "reject-publish" });
    publish(bench, "", "q", { messageId: "1" });
    assert.equal(publish(bench, "", "q", { messageId: "2" }).refused, true);
    bench.host.purge("q");
    assert.equal(publish(bench, "", "q", { messageId: "2" }).refused, false);
    assert.equal(countOf(bench, "q"), 1);
  });
});
