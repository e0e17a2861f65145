import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { GradientLimit, UsualTime } from "./gradient-limit.ts";

/** Work of one kind, so many under way, that takes so long, for a while: 100 ends a second. */
class Stream {
  readonly limit: GradientLimit;
  readonly usual = new UsualTime();
  now = 0;

  constructor(limit: GradientLimit) {
    this.limit = limit;
  }

  play(seconds: number, tookMs: number, inFlight: number, pressed = false): void {
    for (const until = this.now + seconds * 1_000; this.now < until; this.now += 10) {
      if (pressed) this.limit.press();
      this.limit.sample(tookMs, this.usual, inFlight, this.now);
    }
  }

  drop(seconds: number, inFlight: number): void {
    for (const until = this.now + seconds * 1_000; this.now < until; this.now += 10)
      this.limit.drop(inFlight, this.now);
  }
}

test("work that becomes slower lowers the limit only where some had to wait", () => {
  const stream = new Stream(new GradientLimit());
  stream.play(5, 10, 20);
  stream.play(5, 100, 20); // a neighbour is slow: refusing would not help it
  equal(stream.limit.limit, 2_000);
  stream.play(5, 100, 20, true);
  ok(stream.limit.limit < 500, `${stream.limit.limit}`);
});

test("when work is as fast as usual again the limit rises, as far as it is used", () => {
  const stream = new Stream(new GradientLimit());
  stream.play(2, 10, 200);
  stream.play(10, 100, 100, true);
  const low = stream.limit.limit;
  stream.play(10, 10, 1);
  equal(stream.limit.limit, low); // nobody uses what is there
  stream.play(10, 10, low);
  ok(stream.limit.limit > low, `${stream.limit.limit}`);
});

test("constant timeouts lower the limit, though no time differs from another (concurrency-limits #137)", () => {
  const stream = new Stream(new GradientLimit());
  stream.drop(20, 1_000);
  equal(stream.limit.limit, 16);
});

test("a long overload does not become usual (concurrency-limits #134)", () => {
  const stream = new Stream(new GradientLimit());
  stream.play(5, 10, 100);
  const half = (): number => Math.max(16, stream.limit.limit);
  for (let i = 0; i < 60; i++) stream.play(1, half() > 50 ? half() / 5 : 10, half(), true);
  ok(stream.limit.limit < 150, `${stream.limit.limit}`);
  ok(stream.usual.ms! < 20, `${stream.usual.ms}`);
});

test("work that takes no time says nothing (concurrency-limits #125)", () => {
  const stream = new Stream(new GradientLimit());
  stream.play(5, 0.1, 20, true);
  equal(stream.usual.ms, undefined);
  equal(stream.limit.limit, 2_000);
});

test("nobody is refused for the sake of measuring", () => {
  const stream = new Stream(new GradientLimit({ initial: 100, max: 100 }));
  for (let i = 0; i < 600; i++) {
    stream.play(1, 10 + (i % 7), 50);
    equal(stream.limit.limit, 100);
  }
});

test("never below its minimum, nor above its maximum, nor anything but a whole number", () => {
  const stream = new Stream(new GradientLimit({ min: 4, initial: 8, max: 50 }));
  stream.play(20, 10, 50);
  equal(stream.limit.limit, 50);
  for (let i = 0; i < 100; i++) stream.limit.lower(0.77, 50);
  equal(stream.limit.limit, 4);
  stream.play(0.7, 10, 4);
  ok(Number.isInteger(stream.limit.limit));
});
