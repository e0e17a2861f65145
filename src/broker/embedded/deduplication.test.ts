import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import { type Properties, writeProperties } from "../../wire/amqp091/properties.ts";
import type { Message } from "./message.ts";
import { Node } from "./node.ts";
import { queueTerms } from "./terms.ts";
import { ModelStorage } from "./testing/model-storage.ts";

const once = { "x-message-deduplication": true };

function stand(env = new VirtualEnv(), storage = new ModelStorage(env)) {
  const host = new Node(storage, env).host("/");
  return { env, storage, host, count: (name: string) => host.queue(name)?.count };
}

function message(exchange: string, routingKey: string, properties: Properties): Message {
  return {
    ...{ exchange, routingKey, properties: writeProperties(properties), body: Buffer.from("x") },
    ...{ persistent: true, priority: 0, expirationMs: undefined, key: undefined },
  };
}

suite("messages that are published again", () => {
  test("are taken once by a queue that asks for it, and count as published", () => {
    const { host, count } = stand();
    host.declareQueue(queueTerms({ name: "q", arguments: once }));
    const first = host.publish(message("", "q", { messageId: "1" }));
    const again = host.publish(message("", "q", { messageId: "1" }));
    assert.deepEqual(again, { queues: 1, refused: false, batch: first.batch });
    host.publish(message("", "q", { messageId: "2" }));
    host.publish(message("", "q", {}));
    host.publish(message("", "q", {}));
    assert.equal(count("q"), 4);
  });

  test("are taken by all others as often as they come", () => {
    const { host, count } = stand();
    host.declareQueue(queueTerms({ name: "q" }));
    for (let times = 0; times < 3; times++) host.publish(message("", "q", { messageId: "1" }));
    assert.equal(count("q"), 3);
  });

  test("are known by the header that the arguments name, for as long as these say", () => {
    const { env, host, count } = stand();
    const given = { ...once, "x-deduplication-header": "own", "x-cache-ttl": 1_000 };
    host.declareExchange({
      ...{ name: "x", type: "fanout", durable: true, autoDelete: false, internal: false },
      arguments: given,
    });
    for (const name of ["a", "b"]) {
      host.declareQueue(queueTerms({ name }));
      host.bind({ source: "x", to: "queue", destination: name, routingKey: "", arguments: {} });
    }
    const publish = (messageId: string) =>
      host.publish(message("x", "", { messageId, headers: { own: "same" } }));
    publish("1");
    publish("2");
    assert.equal(count("a"), 1);
    env.stall(1_500);
    publish("3");
    assert.equal(count("a"), 2);
    assert.equal(count("b"), 2);
  });

  test("are known by the next process, when they are there", async () => {
    const { env, storage, host } = stand();
    host.declareQueue(queueTerms({ name: "q", arguments: once }));
    host.publish(message("", "q", { messageId: "1" }));
    host.publish({ ...message("", "q", { messageId: "fleeting" }), persistent: false });
    await storage.until(storage.batch);
    const next = stand(env, new ModelStorage(env, { image: storage.crash() }));
    next.host.publish(message("", "q", { messageId: "1" }));
    next.host.publish(message("", "q", { messageId: "fleeting" }));
    assert.equal(next.count("q"), 2);
  });

  test("are taken when they had no place before", () => {
    const { host, count } = stand();
    const terms = queueTerms({
      name: "q",
      arguments: once,
      lengthMax: 1,
      overflow: "reject-publish",
    });
    host.declareQueue(terms);
    host.publish(message("", "q", { messageId: "1" }));
    assert.equal(host.publish(message("", "q", { messageId: "2" })).refused, true);
    host.purge("q");
    assert.equal(host.publish(message("", "q", { messageId: "2" })).refused, false);
    assert.equal(count("q"), 1);
  });
});
