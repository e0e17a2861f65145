import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { Completion, metadataCharsMax, openMax, windowMax } from "./completion.ts";

test("what is committed never passes what is open", () => {
  const of = new Completion(100);
  for (let offset = 100; offset < 105; offset++) equal(of.begin(offset), 1);
  of.done(101);
  of.done(103);
  equal(of.base, 100);
  equal(of.written(undefined).offset, 100);
  of.done(100);
  equal(of.base, 102);
  of.done(102);
  of.done(104);
  deepEqual(of.written(undefined), { offset: 105, metadata: "" });
});

test("who takes over knows what is done above the offset, and how often the rest was tried", () => {
  const of = new Completion(10);
  for (let offset = 10; offset < 20; offset++) of.begin(offset);
  equal(of.begin(12), 2);
  for (const offset of [11, 13, 14, 19]) of.done(offset);
  const { offset, metadata } = of.written(undefined);
  const next = Completion.read(offset, metadata);
  equal(next.base, 10);
  equal(next.high, 20);
  deepEqual(
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19].map((each) => next.deliveriesOf(each)),
    [1, 0, 2, 0, 0, 1, 1, 1, 1, 0],
  );
  equal(next.begin(12), 3);
  equal(next.begin(20), 1);
});

test("a delivery that was under way at a crash counts, also one that no commit has seen", () => {
  const of = new Completion(10);
  of.begin(10);
  of.begin(10);
  const { offset, metadata } = of.written(14); // before 11 to 13 are handed out
  for (const each of [11, 12]) of.begin(each);
  const next = Completion.read(offset, metadata);
  equal(next.begin(10), 3);
  equal(next.begin(11), 2);
  equal(next.begin(13), 2);
  equal(next.begin(14), 1);
});

test("what is settled in the same transaction is written as done, and stays open until it is committed", () => {
  const of = new Completion(0);
  of.begin(0);
  of.begin(1);
  equal(of.written(undefined, new Set([0])).offset, 1);
  equal(of.base, 0);
});

test("what is not in the log any more holds nothing up", () => {
  const of = Completion.read(
    5,
    (() => {
      const before = new Completion(5);
      for (let offset = 5; offset < 9; offset++) before.begin(offset);
      return before.written(undefined).metadata;
    })(),
  );
  of.prune(5, 8, new Set([6]));
  equal(of.base, 6);
  of.advance(7);
  equal(of.base, 8);
});

test("the metadata fits, however much is open", () => {
  const of = new Completion(1_000_000_000);
  const step = Math.floor(windowMax / openMax);
  for (let each = 0; each < windowMax; each++) of.begin(1_000_000_000 + each);
  for (let each = 0; each < windowMax; each++)
    if (each % step !== 0) of.done(1_000_000_000 + each);
    else for (let again = 0; again < 100; again++) of.begin(1_000_000_000 + each);
  equal(of.openCount, openMax);
  const { metadata } = of.written(1_000_000_000 + windowMax);
  ok(metadata.length <= metadataCharsMax, `${metadata.length} characters`);
});

test("metadata of somebody else says nothing", () => {
  for (const strange of [null, "", "reset by hand", "t1:", "t1:////", "t1:gICAgICAgICAgICAgIAB"]) {
    const of = Completion.read(7, strange);
    equal(of.base, 7);
    equal(of.begin(7), 1, String(strange));
  }
});
