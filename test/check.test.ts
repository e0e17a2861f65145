// What `npm run check` checks, but for the parts that `npm test` runs by itself: build and tests.
import { ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { run, steps } from "../scripts/steps.ts";

suite("npm run check", { concurrency: 2 }, () => {
  for (const step of steps.filter(({ name }) => !["build", "unit tests", "tidy"].includes(name))) {
    test(step.name, async () => {
      const result = await run(step);
      ok(result.ok, [result.output.trim(), step.repair ?? ""].join("\n"));
    });
  }
});
