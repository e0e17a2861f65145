import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { isTrunklineError, locate, systemError, TrunklineError } from "./error.ts";
import { isSystemCode, systemCodes } from "./outcome.ts";

test("a message says what happened, where, whether it ran, how often it was tried, and what to do", () => {
  const error = systemError(
    "UNAVAILABLE",
    "nobody listens there (ECONNREFUSED; the socket file is left over from pid 4711, which has ended)",
    {
      executed: "no",
      operation: "orders.place",
      endpoint: "unix:./run/orders.sock",
      attempts: 3,
      elapsedMs: 411.7,
    },
  );
  assert.equal(
    error.message,
    "UNAVAILABLE orders.place → unix:./run/orders.sock: nobody listens there (ECONNREFUSED; the socket file is left over from pid 4711, which has ended).\n" +
      "  executed: no · attempts: 3 in 412 ms · safe to try again",
  );
});

test("advice stands at the end of the message, in place of what is said by default", () => {
  const error = systemError("DEADLINE_EXCEEDED", "no answer within 200 ms", {
    executed: "maybe",
    operation: "orders.place",
    endpoint: "tcp://10.0.0.7:7400",
    elapsedMs: 200,
    advice: 'not retried: "place" is not idempotent; declare it `idempotent: "by-key"`',
  });
  assert.equal(
    error.message,
    "DEADLINE_EXCEEDED orders.place → tcp://10.0.0.7:7400: no answer within 200 ms.\n" +
      '  executed: maybe · not retried: "place" is not idempotent; declare it `idempotent: "by-key"`',
  );
});

test("what is not known is left out of the message", () => {
  const rows: [TrunklineError, string][] = [
    [systemError("CANCELLED", "enough", { executed: "no" }), "CANCELLED: enough.\n  executed: no"],
    [
      systemError("INTERNAL", "It broke!", { executed: "yes", id: "r-1", endpoint: "memory:a" }),
      "INTERNAL memory:a: It broke!\n  executed: yes · report: r-1",
    ],
    [
      systemError("UNAVAILABLE", "gone", { executed: "maybe", operation: "a.b", attempts: 2 }),
      "UNAVAILABLE a.b: gone.\n  executed: maybe · attempts: 2",
    ],
  ];
  for (const [error, message] of rows) assert.equal(error.message, message);
});

test("callers branch on code and executed, and a declared error brings its data", () => {
  const error = new TrunklineError("NOT_FOUND", "orders.get answered NOT_FOUND", {
    executed: "yes",
    declared: true,
    data: { id: "o-17" },
  });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "TrunklineError");
  assert.deepEqual(
    [error.code, error.executed, error.declared, error.data],
    ["NOT_FOUND", "yes", true, { id: "o-17" }],
  );
  assert.equal(error.attempts, 1);
});

test("an error of another copy of this package is recognised by its brand", () => {
  const brand = Symbol.for("trunkline.error");
  const foreign: unknown = Object.defineProperty(new Error("elsewhere"), brand, { value: true });
  assert.ok(isTrunklineError(foreign));
  assert.ok(foreign instanceof TrunklineError);
  for (const other of [new Error("plain"), null, undefined, "TrunklineError", 7, {}]) {
    assert.equal(isTrunklineError(other), false);
    assert.equal(other instanceof TrunklineError, false);
  }
});

test("as JSON it is everything that is known, with the cause's message and no stack", () => {
  const cause = new Error("connect ECONNREFUSED");
  const error = systemError("UNAVAILABLE", "nobody listens there", {
    executed: "no",
    operation: "orders.place",
    endpoint: "unix:/run/a.sock",
    cause,
  });
  assert.equal(error.cause, cause);
  const text = JSON.stringify(error);
  assert.deepEqual(JSON.parse(text), {
    code: "UNAVAILABLE",
    executed: "no",
    declared: false,
    reason: "nobody listens there",
    operation: "orders.place",
    endpoint: "unix:/run/a.sock",
    attempts: 1,
    cause: "connect ECONNREFUSED",
  });
  assert.ok(!text.includes("error.test.ts"));
});

test("printed it shows the message, the stack, the data and the cause, and each once", () => {
  const error = new TrunklineError("SOLD_OUT", "orders.place answered SOLD_OUT", {
    executed: "yes",
    declared: true,
    data: { item: "kettle" },
    cause: new Error("the shelf is empty"),
  });
  const shown = inspect(error);
  assert.match(shown, /^TrunklineError: SOLD_OUT: orders\.place answered SOLD_OUT\./);
  assert.match(shown, /data: \{ item: 'kettle' \}/);
  assert.match(shown, /\[cause\]: Error: the shelf is empty/);
  assert.equal(shown.split("the shelf is empty").length, 2);
  assert.doesNotMatch(shown, /attempts|reason|undefined/);
});

test("locating an error adds what was not known and changes nothing of what it says", () => {
  const bare = systemError("INTERNAL", "it failed", {
    executed: "yes",
    id: "r-2",
    cause: { operation: "stock.take", code: "UNAVAILABLE" },
  });
  const where = { operation: "orders.place", endpoint: "memory:a", elapsedMs: 12, advice: "ask" };
  const located = locate(bare, where);
  assert.deepEqual(
    [located.code, located.reason, located.executed, located.id, located.cause],
    ["INTERNAL", "it failed", "yes", "r-2", { operation: "stock.take", code: "UNAVAILABLE" }],
  );
  assert.deepEqual(
    [located.operation, located.endpoint, located.elapsedMs, located.advice],
    ["orders.place", "memory:a", 12, "ask"],
  );
  const again = locate(located, { operation: "x.y", endpoint: "z", elapsedMs: 1, advice: "no" });
  assert.deepEqual(again.toJSON(), located.toJSON());
  assert.equal(bare.operation, undefined);
});

test("the eleven system codes are not those that belong to the application", () => {
  assert.equal(systemCodes.length, 11);
  for (const code of systemCodes) assert.ok(isSystemCode(code));
  for (const code of [
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "toString",
  ])
    assert.equal(isSystemCode(code), false);
});

test("as plain data its times have no more digits than a clock", () => {
  const tried = {
    endpoint: "tcp://a:1",
    code: "UNAVAILABLE",
    executed: "no",
    reason: "r",
  } as const;
  const error = systemError("UNAVAILABLE", "gone", {
    executed: "no",
    elapsedMs: 383.1497639999998,
    tries: [{ ...tried, fromMs: 0, toMs: 15.494499999999789 }],
  });
  const { elapsedMs, tries } = error.toJSON();
  assert.equal(elapsedMs, 383.15);
  assert.deepEqual(tries, [{ ...tried, fromMs: 0, toMs: 15.494 }]);
});
