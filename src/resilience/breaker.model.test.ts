import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../base/random.ts";
import { Breaker, noPermit } from "./breaker.ts";
import type { OutcomeKind } from "./outcome.ts";

const outcomes: readonly OutcomeKind[] = [
  "ok",
  "appError",
  "failed",
  "unknown",
  "overload",
  "unreachable",
  "local",
  "cancelled",
];

/** Time passes, somebody asks, or one of those who got a permit says what came of it. */
const step = fc.oneof(
  fc.record({ what: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 12_000 }) }),
  fc.record({ what: fc.constant("ask" as const) }),
  fc.record({
    what: fc.constant("release" as const),
    which: fc.nat(),
    outcome: fc.constantFrom(...outcomes),
  }),
);

const options = { openMinMs: 1_000, openMaxMs: 60_000, probeMs: 5_000, requestsMin: 10 };

interface Held {
  readonly permit: number;
  readonly probe: boolean;
  readonly at: number;
}

/** What happened, and where it led. */
class Played {
  readonly breaker: Breaker;
  readonly held: Held[] = [];
  now = 0;

  constructor(seed: number) {
    this.breaker = new Breaker(options, seededRandom(seed));
  }

  ask(): void {
    const before = this.breaker.state(this.now);
    const live = this.held.filter(({ probe, at }) => probe && this.now < at + options.probeMs);
    const permit = this.breaker.tryAcquire(this.now);
    if (before === "open") assert.equal(permit, noPermit, "nothing while it is open");
    if (before === "closed") assert.notEqual(permit, noPermit, "all while it is closed");
    if (permit === noPermit) return;
    const probe = before === "halfOpen";
    if (probe) assert.equal(live.length, 0, "one probe at a time");
    this.held.push({ permit, probe, at: this.now });
  }

  release(which: number, outcome: OutcomeKind): void {
    if (this.held.length === 0) return;
    const [given] = this.held.splice(which % this.held.length, 1);
    const before = this.breaker.state(this.now);
    const latest = this.held.every(({ permit }) => permit <= given!.permit);
    this.breaker.release(given!.permit, outcome, this.now);
    const after = this.breaker.state(this.now);
    if (outcome === "local" || outcome === "cancelled") assert.equal(after, before);
    if (before === "halfOpen" && !(given!.probe && latest))
      assert.equal(after, before, "only the probe that is out moves it");
    if (before === "open") assert.equal(after, "open", "what began before says nothing");
  }
}

describe("breaker, whatever happens", () => {
  test("one probe at a time, nothing through while open, and no result of another generation moves it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer(), (steps, seed) => {
        const played = new Played(seed);
        for (const each of steps) {
          if (each.what === "wait") played.now += each.ms;
          else if (each.what === "ask") played.ask();
          else played.release(each.which, each.outcome);
        }
      }),
    );
  });

  test("it is never stuck: an endpoint that is well again has its load back within the bound", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer(), (steps, seed) => {
        const played = new Played(seed);
        for (const each of steps) {
          if (each.what === "wait") played.now += each.ms;
          else if (each.what === "ask") played.ask();
          else played.release(each.which, each.outcome);
        }
        // From here on every request succeeds, one each 100 ms; what was under way never ends.
        const until = played.now + options.openMaxMs + options.probeMs + 200;
        for (; played.now <= until; played.now += 100) {
          const permit = played.breaker.tryAcquire(played.now);
          if (permit !== noPermit) played.breaker.release(permit, "ok", played.now);
        }
        assert.equal(played.breaker.state(played.now), "closed");
        assert.equal(played.breaker.rampFrom(played.now + 10_000), 1);
      }),
    );
  });
});
