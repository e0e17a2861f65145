import assert from "node:assert/strict";
import { test } from "node:test";
import { systemError, TrunklineError } from "../../../base/error.ts";
import { ErrorCode } from "../../../wire/error-code.ts";
import { decodeFailure, encodeFailure, errorCodeOf, failureBytesMax } from "./failure.ts";

/** As the peer is told it. */
function passed(error: TrunklineError): TrunklineError {
  return decodeFailure(errorCodeOf(error), encodeFailure(error));
}

test("the frame's own code says whether it ran, to peers that do not read the body", () => {
  const rows: [TrunklineError, number][] = [
    [systemError("UNAVAILABLE", "a", { executed: "no" }), ErrorCode.REJECTED],
    [systemError("INVALID_ARGUMENT", "a", { executed: "no" }), ErrorCode.INVALID],
    [systemError("INVALID_ARGUMENT", "a", { executed: "yes" }), ErrorCode.APPLICATION_ERROR],
    [systemError("INTERNAL", "a", { executed: "yes" }), ErrorCode.APPLICATION_ERROR],
    [systemError("CANCELLED", "a", { executed: "maybe" }), ErrorCode.APPLICATION_ERROR],
  ];
  for (const [error, code] of rows) assert.equal(errorCodeOf(error), code);
});

test("the body of version 1 is written as it always was", () => {
  const declared = new TrunklineError("NOT_FOUND", "no such order", {
    executed: "yes",
    declared: true,
    data: "o-17",
    cause: new Error("kept at home"),
  });
  assert.equal(
    encodeFailure(declared),
    '{"code":"NOT_FOUND","executed":"yes","reason":"no such order","declared":true,"data":"o-17"}',
  );
  const internal = systemError("INTERNAL", "it failed", {
    executed: "yes",
    advice: "ask",
    id: "r-1",
    cause: systemError("UNAVAILABLE", "gone", { executed: "no", operation: "stock.take" }),
  });
  assert.equal(
    encodeFailure(internal),
    '{"code":"INTERNAL","executed":"yes","reason":"it failed","advice":"ask","id":"r-1","cause":{"operation":"stock.take","code":"UNAVAILABLE"}}',
  );
});

test("place, attempts and time are the caller's to know: they are not sent", () => {
  const error = systemError("UNAVAILABLE", "gone", {
    executed: "no",
    operation: "orders.place",
    endpoint: "unix:/run/secret.sock",
    attempts: 7,
    elapsedMs: 12,
  });
  const told = passed(error);
  assert.deepEqual(
    [told.operation, told.endpoint, told.attempts, told.elapsedMs],
    [undefined, undefined, 1, undefined],
  );
});

test("what a body lacks, or has in another form, is as good as not said", () => {
  const error = decodeFailure(
    ErrorCode.APPLICATION_ERROR,
    '{"code":"INTERNAL","executed":"perhaps","reason":7,"advice":{},"id":[],"cause":{"code":1},"data":"not declared"}',
  );
  assert.deepEqual(
    [error.code, error.executed, error.reason, error.advice, error.id, error.cause, error.data],
    ["INTERNAL", "maybe", "no reason given", undefined, undefined, undefined, undefined],
  );
});

test("when to come again, and which gate has refused, are told; what is neither is as good as not said", () => {
  const told = (more: object): TrunklineError =>
    passed(systemError("RESOURCE_EXHAUSTED", "enough to do", { executed: "no", ...more }));
  const error = told({ retryAfterMs: 250, gate: "admission" });
  assert.deepEqual([error.retryAfterMs, error.gate, error.endpointFault], [250, "admission", true]);
  assert.equal(told({ retryAfterMs: "never" }).retryAfterMs, "never");
  assert.deepEqual(
    [told({}).retryAfterMs, told({}).gate, told({}).endpointFault],
    [undefined, undefined, undefined],
  );
  for (const bad of ["-1", '"soon"', "null", "[1]"]) {
    const body = `{"code":"UNAVAILABLE","retryAfterMs":${bad},"gate":${bad === '"soon"' ? "7" : bad}}`;
    const read = decodeFailure(ErrorCode.REJECTED, body);
    assert.deepEqual([read.retryAfterMs, read.gate], [undefined, undefined], bad);
  }
});

test("members of a later version are passed over", () => {
  const error = decodeFailure(
    ErrorCode.REJECTED,
    '{"code":"RESOURCE_EXHAUSTED","executed":"no","reason":"later","colour":50,"wire":{"a":[1]}}',
  );
  assert.deepEqual(
    [error.code, error.executed, error.reason],
    ["RESOURCE_EXHAUSTED", "no", "later"],
  );
});

test("without a word about it the frame's code says whether it ran", () => {
  assert.equal(decodeFailure(ErrorCode.REJECTED, '{"code":"UNAVAILABLE"}').executed, "no");
  assert.equal(decodeFailure(ErrorCode.APPLICATION_ERROR, '{"code":"INTERNAL"}').executed, "maybe");
});

test("plain text of a foreign peer is read by the frame's code, and only REJECTED says that nothing ran", () => {
  const rows: [number, string, string][] = [
    [ErrorCode.REJECTED, "UNAVAILABLE", "no"],
    [ErrorCode.INVALID, "INVALID_ARGUMENT", "maybe"],
    [ErrorCode.CANCELED, "CANCELLED", "maybe"],
    [ErrorCode.APPLICATION_ERROR, "UNKNOWN", "maybe"],
    [0x0000_0301, "UNKNOWN", "maybe"],
    [0, "UNKNOWN", "maybe"],
  ];
  for (const [code, expected, executed] of rows) {
    for (const text of ["it broke", "", "{ not JSON", "[]", '{"code":7}', "null", "{}"]) {
      const error = decodeFailure(code, text);
      assert.deepEqual([error.code, error.executed, error.declared], [expected, executed, false]);
      assert.equal(error.reason, text === "" ? "the peer gave no reason" : text);
    }
  }
});

test("what is too large to send is told in few bytes, and stays true", () => {
  const long = "x".repeat(failureBytesMax);
  const system = passed(systemError("UNAVAILABLE", long, { executed: "no", id: "r-1" }));
  assert.deepEqual([system.code, system.executed, system.id], ["UNAVAILABLE", "no", "r-1"]);
  assert.match(system.reason, /^x{1000}… \(cut/);
  const declared = passed(
    new TrunklineError("NOT_FOUND", "a", { executed: "yes", declared: true, data: long }),
  );
  assert.deepEqual(
    [declared.code, declared.executed, declared.declared],
    ["RESOURCE_EXHAUSTED", "yes", false],
  );
  assert.match(declared.reason, /NOT_FOUND takes \d+ bytes with its data, 65536 are allowed/);
});

test("data that cannot be written throws, for who reports it", () => {
  const data = { n: 7n };
  const error = new TrunklineError("NOT_FOUND", "a", { executed: "yes", declared: true, data });
  assert.throws(() => encodeFailure(error), TypeError);
});
