import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isTrunklineError } from "../../base/error.ts";
import { contract, event } from "../../contract/index.ts";
import { runSteps, type Step, type StepContext } from "./run-steps.ts";
import { steps } from "./steps.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { placed: event({ data: z.object({ id: z.string() }) }) },
);
const begun = steps(Orders.placed, { group: "billing" });

test("names that are given twice, are none, and steps that lead back to their beginning are refused", () => {
  for (const make of [
    () => begun.map("a", (order) => order).map("a", (order) => order),
    () => begun.map("", (order) => order),
    () => begun.map("a\nb", (order) => order),
    () => begun.to(Orders.placed),
  ])
    assert.throws(make, (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT");
});

test("steps that were begun once can be ended in several ways", () => {
  const one = begun.map("one", () => 1);
  assert.doesNotThrow(() => [one.map("two", () => 2), one.map("two", () => 3)]);
});

test("one message becomes no more than a thousand, however the steps multiply", async () => {
  const forty: Step = { name: "forty", certain: true, run: () => Array.from({ length: 40 }) };
  const endless: Step = {
    name: "endless",
    certain: true,
    *run() {
      for (;;) yield 1;
    },
  };
  const context = {} as StepContext;
  assert.equal((await runSteps([forty], 1, context)).length, 40);
  for (const list of [[forty, { ...forty, name: "again" }], [endless]])
    await assert.rejects(runSteps(list, 1, context), /step (again|endless) failed/);
});
