import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { charsetIn, mediaTypeIn, preferencesIn, preferredType } from "./media-type.ts";

test("the type that is liked best is chosen, the exact range before the wide one, and the first of equals", () => {
  const offered = ["application/json", "application/xml", "text/event-stream"];
  const cases: [accept: string | undefined, chosen: string | undefined][] = [
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["application/*", "application/json"],
    ["application/xml", "application/xml"],
    ["application/XML; q=0.5, text/*;q=0.4", "application/xml"],
    ["application/json;q=0.1, */*;q=0.2", "application/xml"],
    ["application/json;q=0, */*", "application/xml"],
    ["text/html, application/xhtml+xml, */*;q=0.8", "application/json"],
    ["text/html", undefined],
    ["*/*;q=0", undefined],
    ["application/xml;q=2", "application/xml"],
    [",,;q=1,/", undefined],
  ];
  for (const [accept, chosen] of cases) equal(preferredType(accept, offered), chosen, accept);
});

test("a list without end is read to a bound", () => {
  equal(preferencesIn("a,".repeat(100_000)).length, 64);
});

test("a content type is known by its type and its charset", () => {
  deepEqual(["Application/JSON ; charset=UTF-8", "text/xml", undefined].map(mediaTypeIn), [
    "application/json",
    "text/xml",
    "",
  ]);
  equal(charsetIn('application/json; a=b; charset="UTF-16"'), "utf-16");
  equal(charsetIn("application/json"), undefined);
});
