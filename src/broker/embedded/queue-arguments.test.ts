import assert from "node:assert/strict";
import { test } from "node:test";

import { declaredTerms, type DeclaredQueue } from "./queue-arguments.ts";
import { Refusal } from "./refusal.ts";
import { queueTerms, type Table } from "./terms.ts";

function declared(given: Table, more: Partial<DeclaredQueue> = {}): DeclaredQueue {
  return {
    name: "q",
    durable: true,
    autoDelete: false,
    owner: undefined,
    arguments: given,
    ...more,
  };
}

test("arguments become terms", () => {
  const given: Table = {
    ...{ "x-message-ttl": 5n, "x-expires": 6, "x-max-length": 7, "x-max-length-bytes": 8 },
    ...{ "x-overflow": "reject-publish", "x-max-priority": 9, "x-single-active-consumer": true },
    ...{ "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k", "x-queue-mode": "lazy" },
    ...{ "x-shards": 4, "x-key-order": true, "x-level": "os", "x-foo": 1 },
  };
  assert.deepEqual(
    declaredTerms(declared(given), "/"),
    queueTerms({
      ...{ name: "q", ttlMs: 5, expiresMs: 6, lengthMax: 7, bytesMax: 8, priorityMax: 9 },
      ...{ overflow: "reject-publish", singleActive: true, shards: 4, keyOrder: true, level: "os" },
      ...{ deadLetterExchange: "", deadLetterRoutingKey: "k", arguments: given },
    }),
  );
});

test("a stream is a log, kept for an age", () => {
  const given = { "x-queue-type": "stream", "x-max-age": "7D", "x-max-length-bytes": 1_000 };
  const terms = declaredTerms(declared(given), "/");
  assert.deepEqual([terms.kind, terms.retentionMs, terms.bytesMax], ["log", 7 * 86_400_000, 1_000]);
});

test("a delivery limit of -1 is none, and what is not durable is kept in memory", () => {
  const quorum = declaredTerms(declared({ "x-queue-type": "quorum", "x-delivery-limit": -1 }), "/");
  assert.deepEqual([quorum.deliveryLimit, quorum.level], [undefined, "disk"]);
  assert.equal(declaredTerms(declared({}, { durable: false }), "/").level, "memory");
});

test("an argument that cannot be is refused in the words of RabbitMQ 3.10", () => {
  const arg = (name: string, why: string): string =>
    `invalid arg '${name}' for queue 'q' in vhost '/': ${why}`;
  const cases: readonly (readonly [Table, string])[] = [
    [{ "x-message-ttl": -1 }, arg("x-message-ttl", "{value_negative,-1}")],
    [{ "x-message-ttl": "5" }, arg("x-message-ttl", '"expected integer, got longstr"')],
    [{ "x-message-ttl": 1.5 }, arg("x-message-ttl", '"expected integer, got double"')],
    [{ "x-expires": 0 }, arg("x-expires", "{value_zero,0}")],
    [{ "x-max-priority": 256 }, arg("x-max-priority", "{max_value_exceeded,256}")],
    [{ "x-overflow": "x" }, arg("x-overflow", "invalid_overflow")],
    [{ "x-queue-mode": "x" }, arg("x-queue-mode", "\"unsupported queue mode 'x'\"")],
    [{ "x-queue-type": "foo" }, arg("x-queue-type", "\"unsupported queue type 'foo'\"")],
    [
      { "x-dead-letter-routing-key": "a" },
      arg("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined"),
    ],
    [
      { "x-single-active-consumer": "a" },
      arg("x-single-active-consumer", "{unacceptable_type,longstr}"),
    ],
    [{ "x-max-age": "1x", "x-queue-type": "stream" }, arg("x-max-age", "invalid_max_age")],
    [
      { "x-max-age": "1D" },
      "invalid arg 'x-max-age' for queue 'q' in vhost '/' of queue type rabbit_classic_queue",
    ],
    [
      { "x-message-ttl": 1, "x-queue-type": "stream" },
      "invalid arg 'x-message-ttl' for queue 'q' in vhost '/' of queue type rabbit_stream_queue",
    ],
    [
      { "x-max-priority": 1, "x-queue-type": "quorum" },
      "invalid arg 'x-max-priority' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue",
    ],
  ];
  for (const [given, message] of cases)
    assert.throws(
      () => declaredTerms(declared(given), "/"),
      new Refusal("precondition-failed", message),
    );
});

test("a quorum queue or stream is durable, and nobody's own", () => {
  for (const type of ["quorum", "stream"])
    for (const [more, property] of [
      [{ durable: false }, "non-durable"],
      [{ autoDelete: true }, "auto-delete"],
      [{ owner: "somebody" }, "exclusive-owner"],
    ] as const)
      assert.throws(
        () => declaredTerms(declared({ "x-queue-type": type }, more), "/"),
        new Refusal(
          "precondition-failed",
          `invalid property '${property}' for queue 'q' in vhost '/'`,
        ),
      );
});
