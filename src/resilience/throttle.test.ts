import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../base/random.ts";
import type { OutcomeKind } from "./outcome.ts";
import { Throttle, type ThrottleOptions } from "./throttle.ts";

function throttle(options: ThrottleOptions = {}): Throttle {
  return new Throttle(options, seededRandom(7), 0);
}

function send(subject: Throttle, outcome: OutcomeKind, many: number, now: number = 0): number {
  let sent = 0;
  for (let i = 0; i < many; i++)
    if (subject.tryAcquire(now)) {
      sent++;
      subject.release(outcome, now);
    }
  return sent;
}

describe("throttle", () => {
  test("follows the formula of the SRE book", () => {
    const subject = throttle();
    send(subject, "ok", 30);
    send(subject, "overload", 30);
    assert.equal(subject.rejectionRate(0), 0, "half of them accepted");
    const lone = throttle({ requestsMin: 10 });
    send(lone, "ok", 2);
    send(lone, "overload", 8);
    assert.equal(lone.rejectionRate(0), (10 - 2 * 2) / 11);
  });

  test("a burst of requests that are under way is not taken for an overload", () => {
    const subject = throttle();
    for (let i = 0; i < 500; i++) assert.ok(subject.tryAcquire(0));
    assert.equal(subject.rejectionRate(0), 0);
    for (let i = 0; i < 500; i++) subject.release("overload", 10_000);
    assert.equal(subject.rejectionRate(10_000), 500 / 501);
  });

  test("a few failures of a few requests say nothing", () => {
    const subject = throttle();
    assert.equal(send(subject, "overload", 19), 19);
    assert.equal(subject.rejectionRate(0), 0);
  });

  test("refuses most while the service refuses all, and lets some through to see", () => {
    const subject = throttle();
    const sent = send(subject, "overload", 10_000);
    assert.ok(sent > 20 && sent < 200, `${sent} of 10,000 sent`);
  });

  test("lets one a second through whatever came before, so that whoever asks rarely hears of a recovery", () => {
    const subject = throttle();
    send(subject, "overload", 10_000);
    let sent = 0;
    for (let second = 1; second <= 20; second++)
      sent += send(subject, "overload", 1, second * 1_000);
    assert.equal(sent, 20);
  });

  test("answers that the application gave badly are accepts all the same", () => {
    const subject = throttle();
    for (const outcome of ["ok", "appError", "failed"] as const)
      assert.equal(send(subject, outcome, 100), 100);
  });

  // RA9, RA10
  test("what says nothing of the service's load is taken out again", () => {
    const subject = throttle();
    for (const outcome of ["cancelled", "local", "unreachable", "unknown", "lost"] as const)
      assert.equal(send(subject, outcome, 1_000), 1_000);
    send(subject, "ok", 20);
    assert.equal(subject.rejectionRate(0), 0);
  });

  test("forgets after its window", () => {
    const subject = throttle();
    send(subject, "overload", 1_000);
    assert.ok(subject.rejectionRate(0) > 0.5);
    assert.equal(subject.rejectionRate(120_000), 0);
  });
});
