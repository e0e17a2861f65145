import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Alarm, tickMs, TimerWheel } from "./timer-wheel.ts";

/** A clock that only moves when told to, and the one timer that a wheel sets. */
class Clock {
  now = 0;
  wakeAt = Infinity;
  wakes = 0;
  longestMs = 0;
  #run: () => void = () => {};
  readonly wheel: TimerWheel = new TimerWheel({
    now: () => this.now,
    wake: (delayMs, run) => {
      assert.ok(delayMs >= 0);
      this.longestMs = Math.max(this.longestMs, delayMs);
      this.wakeAt = this.now + delayMs;
      this.#run = run;
    },
    sleep: () => (this.wakeAt = Infinity),
  });

  /** Lets time pass; the timer fires `lateMs` after it should, as a busy process would have it. */
  pass(ms: number, lateMs: number = 0): void {
    const until = this.now + ms;
    while (this.wakeAt + lateMs <= until) {
      this.now = Math.max(this.now, this.wakeAt + lateMs);
      this.wakeAt = Infinity;
      this.wakes++;
      this.#run();
    }
    this.now = until;
  }
}

class Bell extends Alarm {
  readonly rungAt: number[] = [];
  onRing: (() => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  ring(): void {
    this.rungAt.push(this.#clock.now);
    this.onRing?.();
  }
}

test("an alarm rings once, not before it is due, and at most one tick later", () => {
  for (const due of [0, 0.5, 1, 3.99, 4, 4.01, 5, 100, 4_095, 4_096, 4_097, 10_000, 1_000_000]) {
    const clock = new Clock();
    clock.pass(1.5);
    const bell = new Bell(clock);
    clock.wheel.set(bell, 1.5 + due);
    clock.pass(due + 2 * tickMs);
    assert.equal(bell.rungAt.length, 1, `due in ${due} ms`);
    assert.ok(bell.rungAt[0]! >= 1.5 + due && bell.rungAt[0]! <= 1.5 + due + tickMs);
    assert.equal(clock.wheel.size, 0);
  }
});

test("what is due already rings in a later turn, never from within set", () => {
  const clock = new Clock();
  clock.pass(1_000);
  const bell = new Bell(clock);
  clock.wheel.set(bell, 10);
  assert.deepEqual(bell.rungAt, []);
  clock.pass(tickMs);
  assert.equal(bell.rungAt.length, 1);
});

test("an alarm for never is not set, and an alarm that is moved to never is cleared", () => {
  const clock = new Clock();
  const bell = new Bell(clock);
  clock.wheel.set(bell, Infinity);
  assert.equal(clock.wheel.size, 0);
  clock.wheel.set(bell, 10);
  clock.wheel.set(bell, Infinity);
  clock.pass(100);
  assert.deepEqual([clock.wheel.size, bell.rungAt], [0, []]);
});

test("a cleared alarm does not ring, and clearing it again does nothing", () => {
  const clock = new Clock();
  const [one, two, three] = [new Bell(clock), new Bell(clock), new Bell(clock)];
  for (const bell of [one, two, three]) clock.wheel.set(bell, 50);
  clock.wheel.clear(two);
  clock.wheel.clear(two);
  assert.equal(clock.wheel.size, 2);
  clock.pass(100);
  assert.deepEqual([one.rungAt.length, two.rungAt.length, three.rungAt.length], [1, 0, 1]);
});

test("an alarm that rings may clear and move others of the same tick, and set itself again", () => {
  const clock = new Clock();
  const [first, cleared, moved] = [new Bell(clock), new Bell(clock), new Bell(clock)];
  for (const bell of [first, cleared, moved]) clock.wheel.set(bell, 20);
  first.onRing = () => {
    clock.wheel.clear(cleared);
    clock.wheel.set(moved, 60);
    if (first.rungAt.length < 3) clock.wheel.set(first, clock.now);
  };
  clock.pass(40);
  assert.deepEqual([first.rungAt, cleared.rungAt, moved.rungAt], [[20, 24, 28], [], []]);
  clock.pass(40);
  assert.deepEqual(moved.rungAt, [60]);
});

test("an idle wheel does not wake anybody, and one with a far alarm seldom", () => {
  const clock = new Clock();
  const bell = new Bell(clock);
  clock.wheel.set(bell, 10);
  clock.pass(100);
  const { wakes } = clock;
  clock.pass(1_000_000);
  assert.equal(clock.wakes, wakes);
  clock.wheel.set(bell, clock.now + 100_000);
  clock.pass(100_100);
  assert.equal(bell.rungAt.length, 2);
  assert.ok(clock.wakes - wakes <= 26, `${clock.wakes - wakes} wake-ups in 100 s`);
});

test("the wheel never asks for a wake-up that is further away than a timer of the system can be", () => {
  const clock = new Clock();
  clock.wheel.set(new Bell(clock), 1e13);
  assert.ok(clock.longestMs < 2 ** 31, `${clock.longestMs} ms`);
});

test("one alarm that throws keeps no other from ringing", () => {
  const clock = new Clock();
  const bells = [new Bell(clock), new Bell(clock), new Bell(clock)];
  for (const bell of bells) clock.wheel.set(bell, 20);
  const late = new Bell(clock);
  clock.wheel.set(late, 28);
  bells[0]!.onRing = () => {
    throw new Error("a bell broke");
  };
  assert.throws(() => clock.pass(24), /a bell broke/);
  clock.pass(24);
  assert.deepEqual(
    bells.map((bell) => bell.rungAt.length),
    [1, 1, 1],
  );
  assert.equal(late.rungAt.length, 1);
  assert.equal(clock.wheel.size, 0);
});

/** What one does to a wheel with a few alarms. */
const act = fc.oneof(
  fc.record({
    type: fc.constant("set" as const),
    bell: fc.nat(7),
    delayMs: fc.oneof(fc.nat(30), fc.nat(5_000), fc.nat(50_000), fc.constant(-20)),
  }),
  fc.record({ type: fc.constant("clear" as const), bell: fc.nat(7) }),
  fc.record({
    type: fc.constant("pass" as const),
    ms: fc.oneof(fc.nat(10), fc.nat(100), fc.nat(20_000)),
    lateMs: fc.oneof(fc.constant(0), fc.nat(50)),
  }),
);

test("the wheel does what a list of times would do, whatever is set, moved, cleared and slept over", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const clock = new Clock();
      const bells = Array.from({ length: 8 }, () => new Bell(clock));
      /** The model: when each alarm is due; undefined when it is not set. */
      const due = new Map<Bell, number>();
      for (const bell of bells) {
        bell.onRing = () => {
          const at = due.get(bell);
          assert.ok(at !== undefined, "it rings only when it is set");
          assert.ok(clock.now >= at, "it does not ring before it is due");
          due.delete(bell);
        };
      }
      for (const step of acts) {
        if (step.type === "set") {
          const bell = bells[step.bell]!;
          clock.wheel.set(bell, clock.now + step.delayMs);
          due.set(bell, clock.now + Math.max(0, step.delayMs));
        } else if (step.type === "clear") {
          const bell = bells[step.bell]!;
          clock.wheel.clear(bell);
          due.delete(bell);
        } else {
          clock.pass(step.ms, step.lateMs);
          // Nobody is later than a tick, but for the lateness of the timer itself.
          for (const at of due.values()) {
            assert.ok(at > clock.now - 2 * tickMs - step.lateMs, "it rings when it is due");
          }
        }
        assert.equal(clock.wheel.size, due.size);
      }
      clock.pass(200_000);
      assert.equal(clock.wheel.size, 0);
      assert.equal(due.size, 0);
    }),
    { numRuns: 500 },
  );
});
