import assert from "node:assert/strict";
import { suite, test } from "node:test";

import type { Table } from "../terms.ts";
import { headersMatch } from "./headers.ts";

suite("headers", () => {
  const cases: readonly [string, Table, Table, boolean][] = [
    ["all: each of them is there", { a: 1, b: "x" }, { a: 1, b: "x", c: true }, true],
    ["all: one has another value", { a: 1, b: "x" }, { a: 1, b: "y" }, false],
    ["all is meant when nothing is said, and no argument fits all", {}, { a: 1 }, true],
    ["any: one is there", { "x-match": "any", a: 1, b: 2 }, { b: 2 }, true],
    ["any: no argument fits none", { "x-match": "any" }, { b: 2 }, false],
    ["an argument without a value asks that it is there", { a: null }, { a: "x" }, true],
    ["arguments with x- do not count", { "x-a": 1 }, {}, true],
    ["they count with all-with-x", { "x-match": "all-with-x", "x-a": 1 }, {}, false],
    ["they count with any-with-x", { "x-match": "any-with-x", "x-a": 1 }, { "x-a": 1 }, true],
    ["numbers are equal by what they say", { a: 5 }, { a: 5n }, true],
    ["a number is no text", { a: 5 }, { a: "5" }, false],
    ["tables are equal by what is in them", { a: { b: [1] } }, { a: { b: [1] } }, true],
  ];
  for (const [name, asked, headers, fits] of cases)
    test(name, () => assert.equal(headersMatch(asked, headers), fits));
});
