import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isTrunklineError } from "../base/error.ts";
import { bytes } from "./bytes.ts";
import { call } from "./call.ts";
import { contract, info, operationsOf } from "./contract.ts";
import { duplex } from "./duplex.ts";
import { notification } from "./notification.ts";
import { stream } from "./stream.ts";
import { upload } from "./upload.ts";

const OrderId = z.object({ order: z.object({ id: z.string() }) });

test("a contract's own properties are its operations, and nothing else", () => {
  const get = call({ in: OrderId, out: z.string() });
  const Orders = contract("orders", { version: "1.2.0" }, { get });
  assert.deepEqual(Object.keys(Orders), ["get"]);
  assert.equal(JSON.stringify(Object.getOwnPropertyNames(Orders)), '["get"]');
  assert.equal(Orders.get, get);
  assert.deepEqual(
    { ...Orders[info], operations: 0 },
    { name: "orders", version: "1.2.0", major: 1, operations: 0 },
  );
  assert.deepEqual(operationsOf(Orders), [["get", get]]);
});

test("a contract and all that it holds is frozen", () => {
  const errors = { GONE: undefined };
  const Orders = contract("orders", { version: "1.0.0" }, { get: call({ errors }) });
  for (const part of [
    Orders,
    Orders[info],
    Orders[info].operations,
    Orders.get,
    Orders.get.errors,
    Orders.get.codec,
  ]) {
    assert.ok(Object.isFrozen(part));
  }
  assert.ok(!Object.isFrozen(errors));
});

test("an operation is plain data with its defaults filled in", () => {
  assert.deepEqual(call(), {
    kind: "call",
    head: undefined,
    in: undefined,
    out: undefined,
    errors: {},
    idempotent: false,
    key: undefined,
    delivery: undefined,
    deadlineMs: undefined,
    idleMs: undefined,
    description: undefined,
    codec: { head: "json", in: "json", out: "json" },
  });
  const watch = stream({ in: OrderId, out: bytes(), idle: "3s", deadline: 250, key: "order.id" });
  assert.deepEqual(
    [watch.kind, watch.idleMs, watch.deadlineMs, watch.key],
    ["stream", 3000, 250, "order.id"],
  );
  assert.deepEqual(watch.codec, { head: "json", in: "json", out: "raw" });
  const store = upload({ head: OrderId, in: bytes(), key: "order.id", idempotent: "by-key" });
  assert.deepEqual(
    [store.kind, store.head, store.key, store.idempotent],
    ["upload", OrderId, "order.id", "by-key"],
  );
  assert.deepEqual(store.codec, { head: "json", in: "raw", out: "json" });
  const chat = duplex({ head: bytes(), out: OrderId, idle: 50 });
  assert.deepEqual([chat.kind, chat.idempotent, chat.idleMs], ["duplex", false, 50]);
  assert.deepEqual(chat.codec, { head: "raw", in: "json", out: "json" });
  const nudge = notification({ in: OrderId, description: "Asks again" });
  assert.deepEqual(
    [nudge.kind, nudge.description, nudge.errors],
    ["notification", "Asks again", {}],
  );
});

test("all problems of a contract are told at once, each with the operation it lies in", () => {
  // What a caller without types can write.
  const declare = contract as unknown as (
    name: unknown,
    terms: unknown,
    operations: unknown,
  ) => unknown;
  const loose = call as unknown as (terms: unknown) => unknown;
  const loosely = notification as unknown as (terms: unknown) => unknown;
  const loosest = duplex as unknown as (terms: unknown) => unknown;
  const error = caught(() =>
    declare(
      "Orders",
      { version: "1" },
      {
        toJSON: call(),
        Get: call(),
        five: 5,
        a: loose({ in: 5, out: "x", idempotent: "yes", key: "a..b", deadline: "5 s", idle: 1 }),
        c: loosely({ out: OrderId }),
        d: loose({ head: OrderId }),
        e: loosest({ head: 5, idempotent: true }),
        b: loose({ errors: { INTERNAL: undefined, notFound: OrderId, RAW: bytes(), BAD: 7 } }),
      },
    ),
  );
  assert.ok(isTrunklineError(error));
  assert.equal(error.code, "INVALID_ARGUMENT");
  assert.equal(error.executed, "no");
  assert.deepEqual(
    error.reason.split("\n").map((line) => line.trim()),
    [
      'the contract "Orders" has 19 problems:',
      '1. the name "Orders" must begin with a-z, go on with a-z, 0-9 or "-", and have at most 100 characters',
      '2. the version "1" is not a semantic version: write "1.0.0"',
      "3. toJSON: an operation cannot have this name, because JavaScript gives it a meaning",
      "4. Get: an operation's name must begin with a-z, go on with letters and digits, and have at most 100 characters",
      "5. five: is not an operation: make it with call(), stream(), upload(), duplex(), notification(), command(), document(), event(), gather()",
      "6. a: idle is for operations with items, not for a call",
      "7. a: in is not a Standard Schema",
      "8. a: out is not a Standard Schema",
      '9. a: idempotent must be true, false or "by-key", not "yes"',
      '10. a: key "a..b" is not a path: write the names of fields with dots between them',
      '11. a: deadline is not a duration: write milliseconds or "200ms", "5s", "2m", "1h"',
      "12. c: a notification has no answer: leave out and errors away",
      "13. d: head is for operations that send items: a call sends its in at once",
      "14. e: a duplex cannot be idempotent: nobody can repeat a conversation",
      "15. e: head is not a Standard Schema",
      "16. b: error INTERNAL is raised by Trunkline itself: declare a code of your own",
      '17. b: error "notFound" must be written in UPPER_SNAKE',
      "18. b: error RAW cannot carry bytes(): the data of an error is JSON",
      "19. b: error BAD is not a Standard Schema",
    ],
  );
});

test("names, versions and codes at the border of what is allowed", () => {
  const versions = ["0.0.0", "10.20.30", "1.0.0-beta.1"] as const;
  for (const version of versions)
    contract("a-9", { version }, { a9Z: call({ errors: { A1_B2: undefined } }) });
  const wrong = ["01.0.0", "1.0.0-", "1.0.0+build"] as const;
  for (const version of wrong) {
    assert.throws(
      () => contract("a", { version: version as "1.0.0" }, {}),
      /not a semantic version/,
    );
  }
  assert.throws(() => contract("a".repeat(101), { version: "1.0.0" }, {}), /at most 100/);
  assert.throws(
    () => contract("a", { version: "1.0.0" }, { a: call({ errors: { A__B: undefined } }) }),
    /UPPER_SNAKE/,
  );
});

test("an operation named like something every object has is still an operation", () => {
  const Odd = contract("odd", { version: "1.0.0" }, { toString: call(), hasOwnProperty: call() });
  assert.deepEqual(
    operationsOf(Odd).map(([name]) => name),
    ["toString", "hasOwnProperty"],
  );
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
