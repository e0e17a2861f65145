import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../base/random.ts";
import { slowStart } from "../discovery/balancing/slow-start.ts";
import { p2c } from "../discovery/balancing/two-choices.ts";
import type { Caller } from "../protocol/protocol.ts";
import { AimdLimit } from "../resilience/aimd-limit.ts";
import { Breaker } from "../resilience/breaker.ts";
import type { OutcomeKind } from "../resilience/outcome.ts";
import { PeakEwma } from "../resilience/peak-ewma.ts";
import { Target } from "./target.ts";

/** Endpoints behind the default balancer, each of which answers as the test says, in a clock of its own. */
class Lab {
  readonly targets: readonly Target[];
  readonly #balancer = p2c<Target>();
  readonly #random = seededRandom(5);
  now = 0;

  constructor(many: number) {
    const caller = { state: "ready", endpoint: "memory:x", waiting: 0 } as Caller;
    this.targets = Array.from({ length: many }, (_, index) => {
      const parts = {
        load: new PeakEwma({}, 1, 0),
        breaker: new Breaker({}, this.#random),
        limit: new AimdLimit({}),
      };
      return new Target(`t${index}`, caller, 0, undefined, parts);
    });
    this.#balancer.update(this.targets, 0);
  }

  /** One request after the other, a millisecond apart, which take one to two; says how many each endpoint got. */
  send(requests: number, outcome: (target: Target) => OutcomeKind): number[] {
    const got = this.targets.map(() => 0);
    for (let i = 0; i < requests; i++) {
      this.now++;
      const target = this.#balancer.pick({ now: this.now, random: this.#random })!;
      const permit = target.begin(this.now, false);
      assert.equal(typeof permit, "number");
      got[this.targets.indexOf(target)]!++;
      target.end(permit as number, outcome(target), 1 + this.#random(), this.now);
    }
    return got;
  }
}

const well = (): OutcomeKind => "ok";

describe("target", () => {
  test("an endpoint that was down gets its probe when that is due, and its share soon after", () => {
    const lab = new Lab(2);
    const [first] = lab.targets;
    for (let i = 0; i < 5; i++) first!.end(first!.begin(0, true) as number, "unreachable", 1, 0);
    assert.equal(first!.parts.breaker!.state(0), "open");
    const retryAt = first!.parts.breaker!.retryAt(0)!;
    assert.equal(lab.send(Math.floor(retryAt) - 1, well)[0], 0, "nothing while it is open");
    lab.send(10, well);
    assert.equal(first!.parts.breaker!.state(lab.now), "closed", "the next request is its probe");
    lab.send(20_000, well);
    const [share] = lab.send(1_000, well);
    assert.ok(share! > 300 && share! < 700, `${share} of 1,000`);
  });

  test("a new endpoint gets a small share at once, and its whole share when it is warm", () => {
    const lab = new Lab(2);
    const fresh = lab.targets[1]!;
    const warm = slowStart();
    (fresh.parts as { warmth?: (now: number) => number }).warmth = (now) => warm(now);
    const first = lab.send(1_000, well)[1]!;
    assert.ok(first > 20 && first < 250, `${first} of its first 1,000`);
    lab.now += 10_000;
    const later = lab.send(2_000, well)[1]!;
    assert.ok(later > 700 && later < 1_300, `${later} of 2,000 when it is warm`);
  });

  test("a new endpoint gets nearly everything beside one that is far slower", () => {
    const lab = new Lab(2);
    const [slow, fresh] = lab.targets;
    (fresh!.parts as { warmth?: (now: number) => number }).warmth = () => 0.1;
    for (let i = 0; i < 20; i++) slow!.parts.load.observe(1_000, 0);
    const [toSlow, toFresh] = lab.send(1_000, well);
    assert.ok(toFresh! > 990, `${toSlow} went to the slow one`);
  });

  test("an endpoint that fails fast gets next to nothing", () => {
    const lab = new Lab(10);
    const got = lab.send(10_000, (target) => (target.id === "t0" ? "failed" : "ok"));
    assert.ok(got[0]! < 100, `${got[0]} of 10,000`);
  });
});
