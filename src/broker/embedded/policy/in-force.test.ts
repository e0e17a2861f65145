import assert from "node:assert/strict";
import { test } from "node:test";

import { Alarm } from "../../../base/timer-wheel.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { writeProperties } from "../../../wire/amqp091/properties.ts";
import type { Message } from "../message.ts";
import { Node } from "../node.ts";
import { queueTerms, type ExchangeTerms } from "../terms.ts";
import { ModelStorage } from "../testing/model-storage.ts";
import type { Policy } from "./policies.ts";

function policy(name: string, more: Partial<Policy>): Policy {
  const usual = { pattern: ".*", applyTo: "all", priority: 0, operator: false } as const;
  return { host: "/", name, definition: { "max-length": 2 }, ...usual, ...more };
}

function message(exchange: string, routingKey: string): Message {
  return {
    ...{ exchange, routingKey, properties: writeProperties({}), body: Buffer.from("x") },
    ...{ persistent: true, priority: 0, expirationMs: undefined, key: undefined },
  };
}

function direct(name: string): ExchangeTerms {
  return { name, type: "direct", durable: true, autoDelete: false, internal: false, arguments: {} };
}

/** Lets virtual time pass. */
function passed(env: VirtualEnv, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const alarm = new (class extends Alarm {
      ring(): void {
        resolve();
      }
    })();
    env.set(alarm, env.now() + ms);
  });
}

test("a queue is held to a policy that comes after it, and to the declared bound when it is gone", () => {
  const env = new VirtualEnv();
  const node = new Node(new ModelStorage(env), env);
  const host = node.host("/");
  const queue = host.declareQueue(queueTerms({ name: "q", lengthMax: 4 }));
  for (let i = 0; i < 6; i++) host.publish(message("", "q"));
  assert.equal(queue.ready, 4);
  node.policies.set(policy("p", {}));
  assert.equal(queue.ready, 2);
  node.policies.remove("/", "p", false);
  for (let i = 0; i < 6; i++) host.publish(message("", "q"));
  assert.equal(queue.ready, 4);
  assert.equal(host.declared("q")?.lengthMax, 4);
});

test("policies hold after a crash, and are told from what was declared", async () => {
  const env = new VirtualEnv();
  const storage = new ModelStorage(env);
  const node = new Node(storage, env);
  node.host("/").declareExchange(direct("x"));
  node.host("/").declareQueue(queueTerms({ name: "q" }));
  node.policies.set(
    policy("p", { definition: { "max-length": 2, "alternate-exchange": "amq.fanout" } }),
  );
  await storage.until(storage.batch);

  const again = new Node(new ModelStorage(env, { image: storage.crash({ power: true }) }), env);
  const host = again.host("/");
  assert.equal(host.known("q").terms.lengthMax, 2);
  assert.equal(host.declared("q")?.lengthMax, undefined);
  host.bind({
    ...{ source: "amq.fanout", to: "queue", destination: "q", routingKey: "", arguments: {} },
  });
  assert.equal(host.publish(message("x", "nowhere")).queues, 1);
  again.policies.remove("/", "p", false);
  assert.equal(host.known("q").terms.lengthMax, undefined);
  assert.equal(host.publish(message("x", "nowhere")).queues, 0);
});

test("a queue that a policy lets expire goes when nobody uses it, and stays when the policy is gone", async () => {
  const env = new VirtualEnv();
  const node = new Node(new ModelStorage(env), env);
  const host = node.host("/");
  node.policies.set(policy("p", { definition: { expires: 1_000 }, pattern: "^short" }));
  for (const name of ["short.a", "short.b", "long"]) host.declareQueue(queueTerms({ name }));
  await passed(env, 900);
  host.touch(host.known("short.b"));
  await passed(env, 900);
  assert.deepEqual(
    [...host.queues()].map(({ name }) => name),
    ["short.b", "long"],
  );
  node.policies.remove("/", "p", false);
  await passed(env, 5_000);
  assert.equal([...host.queues()].length, 2);
});

test("with a virtual host its policies and permissions go", () => {
  const env = new VirtualEnv();
  const node = new Node(new ModelStorage(env), env);
  node.addHost("v");
  node.policies.set(policy("p", { host: "v" }));
  node.access.permit({ user: "guest", host: "v", configure: ".*", write: ".*", read: ".*" });
  node.removeHost("v");
  node.addHost("v");
  assert.deepEqual(node.policies.all(false, "v"), []);
  assert.equal(node.access.may("guest", "v", "read", "q"), false);
});
