import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { known } from "../compatibility/known.ts";

test("the page tells of each test that is known not to pass, and why", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../docs/embedded-broker-compatibility.md"),
    "utf8",
  ).replaceAll("`", "");
  for (const [name, why] of Object.entries(known))
    assert.ok(page.includes(`| ${name} | ${why} |`), name);
});
