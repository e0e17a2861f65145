import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError, systemError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { outcomeOf } from "../resilience/outcome.ts";
import { leftBehind } from "./refusals.ts";
import type { Target } from "./target.ts";

const closed = systemError("CANCELLED", "the client was closed", { executed: "no" });
const target = (draining: boolean): Target => ({ draining }) as Target;
const attempt = (cancelled?: "caller"): Attempt => ({ cancelled }) as Attempt;

test("who waits for an endpoint that is then known no more may be served by another: nobody gave up", () => {
  const told = leftBehind(closed, target(true), attempt());
  if (!isTrunklineError(told)) throw new Error("it is typed");
  deepEqual([told.code, told.executed, told.cause], ["UNAVAILABLE", "no", closed]);
  equal(outcomeOf(told), "unreachable");
});

test("what the caller gave up, what may have run, and what failed otherwise stays what it is", () => {
  equal(leftBehind(closed, target(true), attempt("caller")), closed);
  equal(leftBehind(closed, target(false), attempt()), closed);
  const cut = systemError("CANCELLED", "the client was closed", { executed: "maybe" });
  equal(leftBehind(cut, target(true), attempt()), cut);
  const late = systemError("DEADLINE_EXCEEDED", "no answer", { executed: "no" });
  equal(leftBehind(late, target(true), attempt()), late);
});
