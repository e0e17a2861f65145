// `npm run mutants` takes minutes; here the table is kept fit, and two mutants show that a break is noticed.
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { misfitOf } from "../mutants/mutant.ts";
import { judge } from "../mutants/suites.ts";
import { mutants } from "../mutants/table.ts";

test("every mutant fits the source: what it replaces stands there exactly once", () => {
  const misfits = mutants.flatMap((mutant) => misfitOf(mutant) ?? []);
  ok(misfits.length === 0, `\n${misfits.join("\n\n")}`);
});

test("the names of mutants are different", () => {
  const names = mutants.map(({ name }) => name);
  deepEqual(names, [...new Set(names)]);
});

for (const name of ["no-cancel-frame", "credit-ignored"]) {
  test(`the simulator notices ${name}`, async () => {
    const mutant = mutants.find((each) => each.name === name)!;
    const { killed, how } = await judge(mutant.killedBy, mutant);
    ok(killed, `${mutant.because}: ${how}`);
  });
}
