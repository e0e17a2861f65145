import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";

import { Incoming } from "../protocol/incoming.ts";
import { outlived, unwanted } from "./expiry.ts";

function incoming(deadlineAt: number, totalAt: number = Infinity): Incoming {
  const peer = { address: "memory:a", sameHost: true };
  return new Incoming(peer, deadlineAt, totalAt, undefined, undefined, {}, 0);
}

test("after a stall its length is taken off what is left, where nobody knows how old a request is", () => {
  equal(outlived(incoming(3_000), 100, 2_000), undefined);
  for (const late of [incoming(2_000), incoming(Infinity, 2_000)]) {
    equal(unwanted(late, 100), undefined);
    const refusal = outlived(late, 100, 2_000)!;
    deepEqual([refusal.code, refusal.executed], ["UNAVAILABLE", "no"]);
    match(refusal.message, /stood still for 2000 ms.*\n.*safe to try again/);
  }
});

test("an instant of a clock that both have in common holds as it is", () => {
  const exact = incoming(2_000);
  exact.exact = true;
  equal(outlived(exact, 1_999, 5_000), undefined);
  equal(outlived(exact, 2_000, 5_000)?.code, "DEADLINE_EXCEEDED");
});

test("what was cancelled in the pile is not begun", () => {
  const given = incoming(Infinity);
  given.cancel("caller");
  equal(outlived(given, 1, 100)?.code, "CANCELLED");
});
