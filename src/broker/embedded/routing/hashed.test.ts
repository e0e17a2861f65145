import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { binding, exchange, message, refused, topology } from "./testing/samples.ts";
import type { Topology } from "./topology.ts";

suite("an exchange with consistent hashing", () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
  const queueOf = (subject: Topology, key: string) => {
    const names = subject.route("x", message(key));
    assert.equal(names.length, 1);
    return names[0]!;
  };

  test("gives each queue its share by weight", () => {
    const subject = hashing({ a: 1, b: 2, c: 5 });
    const counts: Record<string, number> = {};
    for (const key of keys) {
      const name = queueOf(subject, key);
      counts[name] = (counts[name] ?? 0) + 1;
    }
    for (const [name, weight] of Object.entries({ a: 1, b: 2, c: 5 }))
      assert.ok(Math.abs(counts[name]! / keys.length - weight / 8) < 0.02, JSON.stringify(counts));
  });

  test("moves only what comes to a new queue, and what was in one that goes", () => {
    const subject = hashing({ a: 1, b: 1, c: 1 });
    const before = keys.map((key) => queueOf(subject, key));
    subject.addQueue("d", true);
    subject.bind(binding("x", "d", "1"));
    const between3And4 = keys.map((key) => queueOf(subject, key));
    for (const [index, name] of between3And4.entries())
      assert.ok(name === before[index] || name === "d");
    subject.removeQueue("d");
    assert.deepEqual(
      keys.map((key) => queueOf(subject, key)),
      before,
    );
  });

  test("refuses a key that is no weight, and two things to hash on", () => {
    const subject = hashing({ a: 1 });
    assert.throws(
      () => subject.bind(binding("x", "a", "many")),
      refused("precondition-failed", 'The binding key must be an integer: <<"many">>'),
    );
    const table = { "hash-header": "h", "hash-property": "message_id" };
    assert.throws(
      () => subject.declare(exchange("y", "x-consistent-hash", { arguments: table })),
      refused("precondition-failed", "hash-header and hash-property are mutually exclusive"),
    );
  });
});

function hashing(weights: Readonly<Record<string, number>>): Topology {
  const subject = topology();
  subject.declare(exchange("x", "x-consistent-hash"));
  for (const [name, weight] of Object.entries(weights)) {
    subject.addQueue(name, true);
    subject.bind(binding("x", name, `${weight}`));
  }
  return subject;
}
