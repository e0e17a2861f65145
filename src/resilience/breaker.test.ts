import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../base/random.ts";
import { Breaker, noPermit, type BreakerOptions } from "./breaker.ts";
import type { OutcomeKind } from "./outcome.ts";

/** The shortest wait of those that the dice may give. */
const shortest = (): number => 0;

function breaker(options: BreakerOptions = {}): Breaker {
  return new Breaker(options, shortest);
}

function send(subject: Breaker, outcome: OutcomeKind, now: number): void {
  subject.release(subject.tryAcquire(now), outcome, now);
}

function opened(options: BreakerOptions = {}): Breaker {
  const subject = breaker(options);
  for (let i = 0; i < (options.consecutive ?? 5); i++) send(subject, "unknown", 0);
  assert.equal(subject.state(0), "open");
  return subject;
}

describe("breaker", () => {
  test("five failures in a row open it, four do not", () => {
    const subject = breaker();
    for (let i = 0; i < 4; i++) send(subject, "failed", i);
    assert.equal(subject.state(4), "closed");
    send(subject, "unreachable", 4);
    assert.equal(subject.state(4), "open");
    assert.equal(subject.tryAcquire(4), noPermit);
    assert.equal(subject.retryAt(4), 5_004);
  });

  test("a success between failures begins the row anew", () => {
    const subject = breaker({ successRate: 0 });
    for (let i = 0; i < 100; i++) send(subject, i % 5 === 4 ? "ok" : "failed", i);
    assert.equal(subject.state(100), "closed");
  });

  test("an endpoint that fails every third request is opened by its rate", () => {
    const subject = breaker();
    for (let i = 0; i < 19; i++) send(subject, i % 3 === 0 ? "failed" : "ok", i);
    assert.equal(subject.state(19), "closed", "19 requests say nothing");
    send(subject, "ok", 19);
    assert.equal(subject.state(19), "open");
  });

  test("a burst and the same requests spread over the window give the same decision", () => {
    for (const stepMs of [0, 1_000]) {
      const subject = breaker({ consecutive: 100 });
      for (let i = 0; i < 20; i++) send(subject, i < 14 ? "ok" : "failed", i * stepMs);
      assert.equal(subject.state(19 * stepMs), "open", `${stepMs} ms between`);
    }
  });

  test("what is older than the window says nothing any more", () => {
    const subject = breaker({ consecutive: 100 });
    for (let i = 0; i < 19; i++) send(subject, "failed", 0);
    send(subject, "failed", 33_001);
    assert.equal(subject.state(33_001), "closed");
  });

  test("refusals for overload count in the rate and not in the row", () => {
    const subject = breaker();
    for (let i = 0; i < 19; i++) send(subject, "overload", i);
    assert.equal(subject.state(19), "closed");
    send(subject, "overload", 19);
    assert.equal(subject.state(20), "open");
  });

  // E5
  test("what the caller gives up never opens it", () => {
    const subject = breaker();
    for (let i = 0; i < 1_000; i++) send(subject, i % 2 === 0 ? "cancelled" : "local", i);
    assert.equal(subject.state(1_000), "closed");
  });

  test("half open it lets one probe through, and its success closes it", () => {
    const subject = opened();
    assert.equal(subject.state(5_000), "halfOpen");
    const probe = subject.tryAcquire(5_000);
    assert.notEqual(probe, noPermit);
    assert.equal(subject.tryAcquire(5_001), noPermit);
    assert.equal(subject.available(5_001), false);
    assert.equal(subject.release(probe, "ok", 5_002), true, "it was the one that closed it");
    assert.equal(subject.state(5_002), "closed");
  });

  test("a failed probe opens it for twice as long, five minutes at most", () => {
    const subject = opened();
    const waits: number[] = [];
    for (let now = 5_000; waits.length < 8;) {
      subject.release(subject.tryAcquire(now), "unknown", now);
      const next = subject.retryAt(now)!;
      waits.push(next - now);
      now = next;
    }
    assert.deepEqual(waits, [10_000, 20_000, 40_000, 80_000, 150_000, 150_000, 150_000, 150_000]);
  });

  test("a probe that is refused for overload has failed", () => {
    const subject = opened();
    subject.release(subject.tryAcquire(5_000), "overload", 5_001);
    assert.equal(subject.state(5_001), "open");
  });

  // E2
  test("a failure from before the break does not open it again while the probe is out", () => {
    const subject = breaker();
    const slow = subject.tryAcquire(0);
    for (let i = 0; i < 5; i++) send(subject, "unknown", 1);
    const probe = subject.tryAcquire(5_001);
    subject.release(slow, "unknown", 5_002);
    assert.equal(subject.state(5_002), "halfOpen");
    subject.release(probe, "ok", 5_003);
    assert.equal(subject.state(5_003), "closed");
  });

  // E7
  test("a success from before the break does not close it", () => {
    const subject = breaker();
    const slow = subject.tryAcquire(0);
    for (let i = 0; i < 5; i++) send(subject, "unknown", 1);
    const probe = subject.tryAcquire(5_001);
    subject.release(slow, "ok", 5_002);
    assert.equal(subject.state(5_002), "halfOpen");
    subject.release(probe, "unknown", 5_003);
    assert.equal(subject.state(5_003), "open");
  });

  // E3, RA6
  test("of 500 callers while half open one gets through, and after its success the load comes back by a ramp", () => {
    const subject = opened();
    const permits = Array.from({ length: 500 }, () => subject.tryAcquire(5_000));
    assert.equal(permits.filter((permit) => permit !== noPermit).length, 1);
    assert.equal(subject.rampFrom(5_000), 0);
    subject.release(permits[0]!, "ok", 6_000);
    const shares = [6_000, 7_000, 11_000, 16_000, 99_000].map((now) => subject.rampFrom(now));
    assert.deepEqual(shares, [0.1, 0.1, 0.5, 1, 1]);
  });

  // RA5
  test("a probe that says nothing gives its place to the next", () => {
    const subject = opened();
    for (const silent of ["cancelled", "local"] as const) {
      subject.release(subject.tryAcquire(5_000), silent, 5_000);
      assert.equal(subject.state(5_000), "halfOpen");
    }
    subject.release(subject.tryAcquire(5_000), "ok", 5_001);
    assert.equal(subject.state(5_001), "closed");
  });

  test("a probe that never ends is given up, and its late result counts no more", () => {
    const subject = opened({ probeMs: 2_000 });
    const lost = subject.tryAcquire(5_000);
    assert.equal(subject.retryAt(5_001), 7_000);
    assert.equal(subject.tryAcquire(6_999), noPermit);
    const probe = subject.tryAcquire(7_000);
    assert.notEqual(probe, noPermit);
    subject.release(lost, "unknown", 7_001);
    assert.equal(subject.state(7_001), "halfOpen");
    subject.release(probe, "ok", 7_002);
    assert.equal(subject.state(7_002), "closed");
  });

  test("several probes go one after the other where several must succeed", () => {
    const subject = opened({ probes: 3 });
    for (let i = 0; i < 3; i++) {
      assert.equal(subject.state(5_000), "halfOpen");
      const probe = subject.tryAcquire(5_000);
      assert.equal(subject.tryAcquire(5_000), noPermit);
      subject.release(probe, "ok", 5_000);
    }
    assert.equal(subject.state(5_000), "closed");
  });

  test("while others suspect the endpoint two failures are enough", () => {
    const subject = breaker();
    subject.suspect(10_000);
    send(subject, "failed", 1);
    send(subject, "failed", 2);
    assert.equal(subject.state(2), "open");
    const later = breaker();
    later.suspect(10_000);
    for (let i = 0; i < 4; i++) send(later, "failed", 10_000);
    assert.equal(later.state(10_000), "closed", "a suspicion ends");
  });

  test("suspicion alone never opens it", () => {
    const subject = breaker();
    subject.suspect(10_000);
    send(subject, "ok", 1);
    assert.equal(subject.state(1), "closed");
  });

  test("it refuses options out of their bounds and names the option", () => {
    assert.throws(() => breaker({ consecutive: 0 }), /breaker consecutive is 0[^]*from 1 to 1000/);
    assert.throws(() => breaker({ openMinMs: 10, openMaxMs: 5 }), /breaker openMaxMs is 5/);
    assert.throws(() => breaker({ successRate: Number.NaN }), /breaker successRate is NaN/);
  });

  test("the wait is jittered: two breakers that open together do not probe together", () => {
    const random = seededRandom(1);
    const retries = Array.from({ length: 20 }, () => {
      const subject = new Breaker({}, random);
      for (let i = 0; i < 5; i++) send(subject, "failed", 0);
      return subject.retryAt(0)!;
    });
    assert.equal(new Set(retries).size, 20);
    assert.ok(retries.every((at) => at >= 5_000 && at <= 10_000));
  });
});
