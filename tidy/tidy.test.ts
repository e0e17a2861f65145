// Checks the shape of the code itself. `npm run check -- tidy` takes a moment.
import { ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { rules } from "./rules.ts";
import { readTree } from "./tree.ts";

const tree = readTree(join(import.meta.dirname, ".."));

test("tidy sees the sources", () => {
  for (const path of ["src/index.ts", "tidy/rules.ts", "scripts/run.mjs"]) {
    ok(
      tree.sources.some((source) => source.path === path && source.imports.length > 0),
      path,
    );
  }
});

for (const [name, rule] of Object.entries(rules)) {
  test(name, () => {
    const complaints = rule(tree);
    ok(complaints.length === 0, `\n${complaints.join("\n")}`);
  });
}
