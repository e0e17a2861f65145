import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { Sequence, Sequences } from "./sequence.ts";

test("a number is new once, and what is skipped is missing until it comes", () => {
  const sequence = new Sequence(10);
  deepEqual(
    [10, 11, 11, 14, 12, 12].map((number) => sequence.take(number)),
    ["new", "new", "again", "new", "new", "again"],
  );
  equal(sequence.missing, 1);
  equal(sequence.take(13), "new");
  equal(sequence.missing, 0);
});

test("what is so old that nobody can tell is late, and counts as missing", () => {
  const sequence = new Sequence(1);
  sequence.take(1);
  sequence.take(300);
  equal(sequence.missing, 298);
  deepEqual([sequence.take(44), sequence.take(45)], ["late", "new"]);
  equal(sequence.missing, 297);
});

test("numbers wrap at 32 bits", () => {
  const sequence = new Sequence(0xffff_fffe);
  const numbers = [0xffff_fffe, 0xffff_ffff, 1, 0, 0, 0xffff_ffff];
  deepEqual(
    numbers.map((number) => sequence.take(number)),
    ["new", "new", "new", "new", "again", "again"],
  );
  equal(sequence.missing, 0);
});

test("of more senders than are remembered the first is forgotten, what it missed is not", () => {
  const sequences = new Sequences();
  sequences.take("first", 1);
  sequences.take("first", 4);
  for (let sender = 0; sender < 1_100; sender++) sequences.take(`sender ${sender}`, 1);
  equal(sequences.missing, 2);
  equal(sequences.take("first", 4), "new");
});
