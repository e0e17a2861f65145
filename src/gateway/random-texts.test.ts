// What comes from outside is read as others read it, whatever it is.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { assert, array, constantFrom, json, nat, property, tuple } from "fast-check";

import { JsonFault, parseJson } from "./file/json-node.ts";
import { matchPath, pathPattern, segmentsOf, type PathPattern } from "./routing/path-pattern.ts";

/** What `JSON.parse` makes of it; undefined: it is none. */
function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

test("JSON is read as JSON.parse reads it, and what is none is refused with a place in it", () => {
  const marks = constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "\n",
    " ",
    "1",
    "e",
    "-",
    "t",
  );
  const broken = tuple(json(), nat(), nat(3), marks).map(([text, at, cut, mark]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + mark + text.slice(place + cut);
  });
  const same = (text: string): void => {
    const expected = parsed(text);
    if (expected === undefined) {
      throws(
        () => parseJson(text),
        (error) => {
          ok(error instanceof JsonFault);
          const { line, column } = error.problem;
          const lines = text.split("\n");
          ok(line >= 1 && line <= lines.length && column >= 1);
          ok(column <= lines[line - 1]!.length + 1, `column ${column} of ${lines[line - 1]}`);
          return true;
        },
      );
      return;
    }
    try {
      deepEqual(parseJson(text).value, expected.value);
    } catch (error) {
      // The one thing in which it is stricter: a name twice in one object.
      if (!(error instanceof JsonFault)) throw error;
      equal(error.problem.reason, "this name was there before");
    }
  };
  assert(property(json(), same), { numRuns: 300 });
  assert(property(broken, same), { numRuns: 2_000 });
});

test("a path that is taken means the same to whoever resolves it", () => {
  const parts = constantFrom(
    "a",
    "..",
    ".",
    "",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "\\",
    "b%20c",
    "%",
    "%ff",
    ";x",
    "..;",
    "%00",
  );
  assert(
    property(array(parts, { maxLength: 6 }), (given) => {
      const path = `/${given.join("/")}`;
      const segments = segmentsOf(path);
      if (segments === undefined) return;
      // The URL standard resolves dot segments, encoded ones too, and turns backslashes.
      equal(new URL(path, "http://x").pathname, path);
      equal(segments.length, path.split("/").length - 1);
    }),
    { numRuns: 5_000 },
  );
});

test("what matches below a prefix is below it", () => {
  const pattern = pathPattern("/admin/**") as PathPattern;
  const parts = constantFrom("admin", "Admin", "%61dmin", "adminx", "x", "..", "");
  assert(
    property(array(parts, { minLength: 1, maxLength: 4 }), (given) => {
      const segments = segmentsOf(`/${given.join("/")}`);
      if (segments === undefined) return;
      const below = decodeURIComponent(given[0]!) === "admin";
      equal(matchPath(pattern, segments) !== undefined, below);
    }),
    { numRuns: 1_000 },
  );
});
