import { equal } from "node:assert/strict";
import { test } from "node:test";
import { systemError } from "../../base/error.ts";
import { sentOf } from "./sent.ts";

const nobody = systemError("UNAVAILABLE", "no queue takes it", { executed: "no" });
const away = systemError("UNAVAILABLE", "no connection", { executed: "no", retryAfterMs: 1_000 });
const maybe = systemError("UNAVAILABLE", "no confirm came", { executed: "maybe" });
const full = systemError("RESOURCE_EXHAUSTED", "too many wait", { executed: "no" });
const invalid = systemError("INVALID_ARGUMENT", "it is too large", { executed: "no" });

test("OB-7: what the message itself is to blame for is refused, whatever became of others", () => {
  for (const others of [false, true]) equal(sentOf(invalid, others).kind, "refused");
});

test("OB-7: that nobody is there for a message is known when the broker has taken others", () => {
  equal(sentOf(nobody, true).kind, "refused");
  equal(sentOf(nobody, false).kind, "again");
});

test("OB-7: a broker that was lost in the middle of a batch, is full, or has perhaps taken it counts against no message", () => {
  for (const outcome of [away, maybe, full, undefined])
    for (const others of [false, true]) equal(sentOf(outcome, others).kind, "again");
});

test("OB-5: what the broker has confirmed may be taken out", () => {
  equal(sentOf({ enqueued: "accepted" }, false).kind, "confirmed");
});
