import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Matcher, type Dropped, type MatcherBounds, type Seen, type Shape } from "./matcher.ts";

const wide: MatcherBounds = { latenessMs: 10_000, keysMax: 1_000, perKeyMax: 1_000 };

function matcher(
  shape: Shape,
  bounds: Partial<MatcherBounds> = {},
): { readonly matcher: Matcher<string>; readonly dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  return {
    matcher: new Matcher<string>(shape, { ...wide, ...bounds }, (each) => dropped.push(each)),
    dropped,
  };
}

/** `a3` of key k: the first operation at time 3. */
function seen(text: string, key = "k"): Seen<string> {
  return { step: text.charCodeAt(0) - 97, key, time: Number(text.slice(1)), message: text };
}

function matches(subject: Matcher<string>, texts: string): string[] {
  return texts
    .split(" ")
    .map((text) =>
      subject
        .offer(seen(text))
        ?.map(({ message }) => message)
        .join("+"),
    )
    .filter((match) => match !== undefined);
}

const sequence: Shape = { kind: "sequence", steps: 2, withinMs: 10 };

test("one is followed by the other in time, each is used once, and what is too far apart does not count", () => {
  assert.deepEqual(matches(matcher(sequence).matcher, "a1 b5"), ["a1+b5"]);
  assert.deepEqual(matches(matcher(sequence).matcher, "a1 b11"), ["a1+b11"]);
  assert.deepEqual(matches(matcher(sequence).matcher, "a1 b12"), []);
  assert.deepEqual(matches(matcher(sequence).matcher, "b1 a5"), []);
  assert.deepEqual(matches(matcher(sequence).matcher, "a1 b2 b3"), ["a1+b2"]);
  assert.deepEqual(matches(matcher(sequence).matcher, "a1 a2 b3 b4"), ["a1+b3", "a2+b4"]);
  const three: Shape = { kind: "sequence", steps: 3, withinMs: 10 };
  assert.deepEqual(matches(matcher(three).matcher, "a1 c2 b3 c4"), ["a1+b3+c4"]);
});

test("what comes in another order than it was sent is matched by when it was sent", () => {
  assert.deepEqual(matches(matcher(sequence).matcher, "b5 a1"), ["a1+b5"]);
  assert.deepEqual(matches(matcher(sequence).matcher, "b1 b5 a3"), ["a3+b5"]);
});

test("so many in a window are a match, wherever the window begins", () => {
  const count: Shape = { kind: "count", count: 3, withinMs: 10 };
  assert.deepEqual(matches(matcher(count).matcher, "a0 a5 a9"), ["a0+a5+a9"]);
  assert.deepEqual(matches(matcher(count).matcher, "a0 a5 a11 a12"), ["a5+a11+a12"]);
  assert.deepEqual(matches(matcher(count).matcher, "a0 a1 a2 a3 a4"), ["a0+a1+a2"]);
  assert.deepEqual(matches(matcher(count).matcher, "a0 a20 a40"), []);
});

test("that one is not followed by the other is known when its time and the lateness are over, and told once", () => {
  const { matcher: subject } = matcher({ kind: "absence", withinMs: 10 }, { latenessMs: 5 });
  subject.offer(seen("a1"));
  subject.offer(seen("a3", "other"));
  assert.deepEqual(subject.passed(16), []);
  const told = (wall: number): string[] =>
    subject.passed(wall).map(([one]) => `${one!.key} ${one!.message}`);
  assert.deepEqual(told(17), ["k a1"]);
  assert.deepEqual(told(19), ["other a3"]);
  for (const text of ["a20", "b25"]) subject.offer(seen(text));
  assert.deepEqual(told(100), []);
  assert.equal(subject.keys, 0);
});

test("an answer that comes late, but not too late, still counts", () => {
  const { matcher: subject, dropped } = matcher(
    { kind: "absence", withinMs: 10 },
    { latenessMs: 5 },
  );
  subject.offer(seen("a10"));
  subject.offer(seen("b24", "other")); // the newest
  subject.offer(seen("b20"));
  assert.deepEqual(subject.passed(100), []);
  assert.deepEqual(dropped, []);
});

test("what is too late, and what there is no room for, is left out and told", () => {
  const late = matcher(sequence, { latenessMs: 5 });
  matches(late.matcher, "a20 b14");
  assert.deepEqual(late.dropped, [{ why: "late", key: "k", messages: 1 }]);
  const crowded = matcher(sequence, { perKeyMax: 2 });
  assert.deepEqual(matches(crowded.matcher, "a1 a2 a3 b4"), ["a3+b4"]);
  assert.equal(crowded.dropped.length, 2);
  const keys = matcher(sequence, { keysMax: 2 });
  for (const key of ["x", "y", "x", "z"]) keys.matcher.offer(seen("a1", key));
  assert.deepEqual(keys.dropped, [{ why: "room", key: "y", messages: 1 }]);
});

test("in whatever order messages come, each pair that must match does, within its key, time and order, and none twice", () => {
  const texts = fc.array(
    fc.record({ step: fc.nat(1), key: fc.constantFrom("x", "y"), time: fc.nat(60) }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(texts, (list) => {
      const { matcher: subject } = matcher(sequence);
      const used = new Set<Seen>();
      const all: Seen<string>[] = list.map((each, index) => ({ ...each, message: String(index) }));
      for (const each of all) {
        const match = subject.offer(each);
        if (match === undefined) continue;
        assert.deepEqual(
          match.map(({ step }) => step),
          [0, 1],
        );
        assert.equal(match[0]!.key, match[1]!.key);
        const apart = match[1]!.time - match[0]!.time;
        assert.ok(apart >= 0 && apart <= 10);
        for (const one of match) {
          assert.ok(!used.has(one), "it was used twice");
          used.add(one);
        }
      }
      // No pair is left that could have matched.
      const left = all.filter((each) => !used.has(each));
      for (const first of left.filter(({ step }) => step === 0))
        for (const second of left.filter(({ step }) => step === 1)) {
          const apart = second.time - first.time;
          assert.ok(first.key !== second.key || apart < 0 || apart > 10 || apart === 0);
        }
    }),
  );
});

test("an absence is told of exactly those that nothing answered, whatever comes in whatever order", () => {
  const texts = fc.array(fc.record({ step: fc.nat(1), time: fc.nat(60) }), { maxLength: 30 });
  fc.assert(
    fc.property(texts, (list) => {
      const { matcher: subject } = matcher({ kind: "absence", withinMs: 10 });
      const all = list.map((each, index) => ({ ...each, key: "k", message: String(index) }));
      for (const each of all) subject.offer(each);
      const told = subject.passed(100_000).map(([one]) => one!.message);
      const expected = all
        .filter(({ step }) => step === 0)
        .filter(
          (one) =>
            !all.some(({ step, time }) => step === 1 && time >= one.time && time <= one.time + 10),
        )
        .map(({ message }) => message);
      assert.deepEqual(told.toSorted(), expected.toSorted());
    }),
  );
});

test("it keeps nothing for ever, and never more than its bounds", () => {
  const { matcher: subject } = matcher(sequence, { keysMax: 5, perKeyMax: 3, latenessMs: 5 });
  for (let time = 0; time < 500; time++) {
    subject.offer(seen(`a${time}`, `k${time % 9}`));
    assert.ok(subject.keys <= 5);
  }
  subject.passed(10_000);
  assert.equal(subject.keys, 0);
});
