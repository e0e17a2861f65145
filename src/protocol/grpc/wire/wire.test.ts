import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { systemError, TrunklineError } from "../../../base/error.ts";
import { json } from "../../../codec/json.ts";
import { envelope, EnvelopeReader } from "./envelope.ts";
import { heard, tell, type ErrorTypes } from "./failure.ts";
import { failureJson, readFailureJson } from "./json-failure.ts";
import { readBeside, writeBeside } from "./metadata.ts";
import { readRpcStatus, writeRpcStatus } from "./rpc-status.ts";
import { statusOf } from "./status.ts";
import { percentDecode, percentEncode } from "./text.ts";
import { readTimeout, writeTimeout } from "./timeout.ts";

test("timeouts are read in every unit, and written so that none is shorter than it was", () => {
  const read = ["1n", "250u", "1500m", "2S", "3M", "99999999H"].map(readTimeout);
  deepEqual(read, [1e-6, 0.25, 1_500, 2_000, 180_000, 99_999_999 * 3_600_000]);
  for (const text of ["", "m", "1", "1d", "-1S", "1.5S", " 1S", "123456789m", "１S", "1toString"])
    equal(readTimeout(text), undefined, text);
  for (const ms of [0.1, 1, 99_999_999, 99_999_999.5, 2 ** 41, 2 ** 60]) {
    const written = readTimeout(writeTimeout(ms))!;
    equal(written >= Math.min(ms, 99_999_999 * 3_600_000), true, `${ms}`);
    equal(written <= ms * 1.001 + 1, true, `${ms}`);
  }
});

test("messages of gRPC are texts in percents", () => {
  for (const text of ["", "plain", "100 %", "ü😀\n", "%41", "%"]) {
    equal(percentDecode(percentEncode(text)), text);
    equal(/^[ -~]*$/.test(percentEncode(text)), true);
  }
  equal(percentDecode("%zz%4"), "%zz%4");
  equal(percentDecode("%ff"), "\ufffd");
});

test("messages are found wherever the pieces end", () => {
  const messages = ["", "a", "x".repeat(300), "y".repeat(5_000), "z"];
  const bytes = Buffer.concat(messages.map((text, flags) => envelope(flags, text)));
  for (const size of [1, 2, 3, 5, 7, 299, 4_096, bytes.length]) {
    const found: [number, string][] = [];
    const reader = new EnvelopeReader(5_000, {
      envelope: (flags, payload) => found.push([flags, payload.toString()]),
      excessive: (large) => found.push([-1, String(large)]),
    });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    deepEqual(
      found,
      messages.map((text, flags) => [flags, text]),
    );
    equal(reader.unfinished, false);
  }
});

test("nothing is kept of a message that is too large, and nothing read after it", () => {
  const found: string[] = [];
  const reader = new EnvelopeReader(3, {
    envelope: (_flags, payload) => found.push(payload.toString()),
    excessive: (bytes) => found.push(`${bytes} bytes`),
  });
  reader.push(Buffer.concat([envelope(0, "abc"), envelope(0, "abcd").subarray(0, 5)]));
  reader.push(envelope(0, "a"));
  deepEqual(found, ["abc", "4 bytes"]);
});

test("what no header can say travels beside, and what belongs to the protocol cannot be forged", () => {
  const headers = {
    tenant: "acme",
    snow: "❄",
    Upper: "case",
    padded: " x ",
    "data-bin": "AAEC",
    "odd-bin": "not base64!",
    "grpc-timeout": "1n",
    empty: "",
  };
  const http: Record<string, string | readonly string[] | number> = {};
  writeBeside(http, headers, "key ü 1");
  deepEqual(Object.keys(http).toSorted(), ["data-bin", "empty", "tenant", "trunkline-headers-bin"]);
  const beside = readBeside({ ...http, "content-type": "application/grpc", ":path": "/" });
  deepEqual(beside, { headers, idempotencyKey: "key ü 1" });
  deepEqual(readBeside({ "x-many": ["a", "b"] })?.headers, { "x-many": "a, b" });
  equal(readBeside({ "trunkline-headers-bin": "bm8=" }), undefined);
});

test("declared codes have the status of their name, of their binding, or FAILED_PRECONDITION", () => {
  equal(statusOf("UNAVAILABLE", false), 14);
  equal(statusOf("NOT_FOUND", true), 5);
  equal(statusOf("SOLD_OUT", true), 9);
  equal(statusOf("SOLD_OUT", true, "RESOURCE_EXHAUSTED"), 8);
});

const types: ErrorTypes = new Map([
  ["SOLD_OUT", { code: "SOLD_OUT", type: "orders.v1.SoldOut", codec: json }],
  ["NOT_FOUND", { code: "NOT_FOUND", type: undefined, codec: json }],
]);

test("a failure is heard as it was told, by gRPC and by Connect", () => {
  const failures = [
    new TrunklineError("SOLD_OUT", "none", { executed: "yes", declared: true, data: { item: 1 } }),
    new TrunklineError("NOT_FOUND", "nobody", { executed: "yes", declared: true }),
    systemError("INTERNAL", "it failed", {
      executed: "maybe",
      advice: "ask",
      id: "r-7",
      cause: { operation: "stock.take", code: "UNAVAILABLE", secret: "hunter2" },
    }),
  ];
  for (const failure of failures) {
    const told = tell(failure, "orders", types);
    for (const came of [
      readRpcStatus(writeRpcStatus(told))!,
      readFailureJson(JSON.parse(JSON.stringify(failureJson(told))))!,
    ]) {
      const { code, reason, executed, declared, data, advice, id, cause } = heard(came, types);
      const { cause: full } = failure as { cause?: { secret?: string } };
      deepEqual(
        [code, reason, executed, declared, data, advice, id],
        [
          failure.code,
          failure.reason,
          failure.executed,
          failure.declared,
          failure.data,
          failure.advice,
          failure.id,
        ],
      );
      deepEqual(cause, full && { operation: "stock.take", code: "UNAVAILABLE" });
    }
  }
});

test("of a foreign server only what it says is taken for true", () => {
  const hear = (status: number, type?: string): readonly unknown[] => {
    const details = type === undefined ? [] : [{ type, value: Buffer.from("7") }];
    const { code, executed, declared, data } = heard({ status, message: "", details }, types);
    return [code, executed, declared, data];
  };
  deepEqual(hear(9, "orders.v1.SoldOut"), ["SOLD_OUT", "yes", true, 7]);
  deepEqual(hear(5), ["NOT_FOUND", "maybe", true, undefined]);
  deepEqual(hear(6), ["UNKNOWN", "maybe", false, undefined]);
  deepEqual(hear(14), ["UNAVAILABLE", "maybe", false, undefined]);
  deepEqual(hear(99), ["UNKNOWN", "maybe", false, undefined]);
});

test("data too large for trailers is told as such", () => {
  const data = "x".repeat(50_000);
  const error = new TrunklineError("SOLD_OUT", "none", { executed: "yes", declared: true, data });
  const { code, executed, status } = tell(error, "orders", types);
  deepEqual([code, executed, status], ["RESOURCE_EXHAUSTED", "yes", 8]);
});
