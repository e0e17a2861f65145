import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";

import { fileNameOf, segmentNameOf, segmentStartOf } from "./names.ts";

const hostile = [
  "..",
  ".",
  "",
  ".hidden",
  "../../etc/passwd",
  "a/b",
  "a\\b",
  "nul\0l",
  "käse",
  "%2E",
  "a~b",
  "x".repeat(300),
  "ä".repeat(100),
  "line\nfeed",
];

test("no name leads out of its folder, hides, or is too long for a file system, and no two are the same", () => {
  const names = hostile.map((each) => fileNameOf(each));
  for (const name of names) {
    match(name, /^[A-Za-z0-9_%~-][A-Za-z0-9._%~-]*$/);
    ok(Buffer.byteLength(name) <= 200);
  }
  equal(new Set(names).size, hostile.length);
  equal(fileNameOf("orders.1.placed-x_y"), "orders.1.placed-x_y");
});

test("the name of a segment tells where it begins, and no other name does", () => {
  equal(segmentStartOf(segmentNameOf(16_384)), 16_384);
  for (const other of ["16384.jsonl", "000000000001638x.jsonl", "0000000000016384.json", "x", ""])
    equal(segmentStartOf(other), undefined);
});
