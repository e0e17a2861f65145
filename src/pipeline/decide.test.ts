import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { systemError } from "../base/error.ts";
import { seededRandom } from "../base/random.ts";
import { TraceContext } from "../base/trace.ts";
import { Attempt } from "../protocol/attempt.ts";
import { outcomeOf, type OutcomeKind } from "../resilience/outcome.ts";
import { RetryBudget } from "../resilience/retry-budget.ts";
import { decide, type Case } from "./decide.ts";

const retry = {
  triesMax: 3,
  backoff: { baseMs: 25, capMs: 250 },
  connectWaitMs: 2_000,
  attemptMinMs: 2,
};

function attemptUntil(deadlineAt: number): Attempt {
  return new Attempt(
    deadlineAt,
    Infinity,
    new TraceContext(1, 2, 3, 4, 5, 6, 1),
    undefined,
    undefined,
  );
}

function given(terms: Partial<Case> = {}): Case {
  const failure =
    terms.failure ?? systemError("UNAVAILABLE", "the connection was lost", { executed: "maybe" });
  return {
    failure,
    outcome: outcomeOf(failure),
    attempt: attemptUntil(10_000),
    retry,
    budget: new RetryBudget({}, 0),
    idempotent: true,
    unsent: false,
    othersLeft: true,
    counted: 1,
    rounds: 0,
    startedAt: 0,
    now: 100,
    random: seededRandom(1),
    ...terms,
  };
}

const stops = (terms: Partial<Case>): boolean => "stop" in decide(given(terms));

const refused = systemError("RESOURCE_EXHAUSTED", "enough to do", { executed: "no" });
const unreached = systemError("UNAVAILABLE", "nobody listens", { executed: "no" });

test("what perhaps ran is tried again only where it may run twice", () => {
  ok(!stops({ idempotent: true }));
  ok(stops({ idempotent: false }));
  ok(!stops({ failure: refused, outcome: "overload", idempotent: false }));
});

test("what ran, and what the application decided, is never tried again", () => {
  const never: OutcomeKind[] = ["ok", "appError", "failed", "cancelled"];
  for (const outcome of never) ok(stops({ outcome }), outcome);
});

test("who certainly did not run it is left for somebody else at once; the same one gets time", () => {
  const turnedDown = { failure: refused, outcome: "overload" as const };
  deepEqual(decide(given(turnedDown)), { waitMs: 0 });
  const same = decide(given({ ...turnedDown, othersLeft: false }));
  ok("waitMs" in same && same.waitMs > 0 && same.waitMs <= 25);
});

test("the server's word of when to come again counts, and never means never", () => {
  const later = systemError("RESOURCE_EXHAUSTED", "full", { executed: "no", retryAfterMs: 400 });
  const waits = decide(given({ failure: later, outcome: "overload", othersLeft: false }));
  deepEqual(waits, { waitMs: 400 });
  const never = systemError("RESOURCE_EXHAUSTED", "full", {
    executed: "no",
    retryAfterMs: "never",
  });
  ok(stops({ failure: never, outcome: "overload" }));
});

test("it stops at the most tries, without budget, without time, and when it was given up", () => {
  ok(stops({ counted: 3 }));
  ok(stops({ budget: new RetryBudget({ ratio: 0, minPerSec: 0 }, 0) }));
  ok(stops({ attempt: attemptUntil(101) }));
  const cancelled = attemptUntil(10_000);
  cancelled.cancel("caller");
  ok(stops({ attempt: cancelled }));
});

test("a call of a request that is itself a repetition repeats nothing that somebody may have seen", () => {
  const once = attemptUntil(10_000);
  once.once = true;
  ok(stops({ attempt: once }));
  ok(!stops({ attempt: once, failure: unreached, outcome: "unreachable", unsent: true }));
});

test("what never left the process is bounded by time alone, and costs no budget", () => {
  const budget = new RetryBudget({ ratio: 0, minPerSec: 0 }, 0);
  const unsent = { failure: unreached, outcome: "unreachable" as const, unsent: true, budget };
  deepEqual(decide(given({ ...unsent, counted: 0 })), { waitMs: 0 });
  const round = decide(given({ ...unsent, othersLeft: false, rounds: 3 }));
  ok("waitMs" in round && round.waitMs >= 1 && round.waitMs <= 200);
  ok(stops({ ...unsent, othersLeft: false, now: 2_000 }));
});
