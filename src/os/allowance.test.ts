import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { Allowance } from "./allowance.ts";

test("there is as much as was not taken, and more again when some was given back", () => {
  const allowance = new Allowance(10);
  allowance.take(8, () => {});
  equal(allowance.fits(2), true);
  equal(allowance.fits(3), false);
  allowance.give(1);
  equal(allowance.fits(3), true);
  equal(allowance.taken, 7);
});

/** How often V8 was asked after each of what was taken (positive) and given back (negative). */
function asked(most: number, amounts: readonly number[]): number[] {
  const allowance = new Allowance(most);
  let times = 0;
  return amounts.map((amount) => {
    if (amount < 0) allowance.give(-amount);
    else allowance.take(amount, (bytes) => (times += Math.sign(bytes)));
    return times;
  });
}

test("V8 is asked to collect when more than half is taken, and again only after as much has been taken", () => {
  deepEqual(asked(10, [5, 1, 1, 1, 1]), [0, 1, 1, 1, 1]);
  deepEqual(asked(10, [6, -6, 5, -5, 5, 1]), [1, 1, 1, 1, 1, 2]);
});

test("V8 is not asked where it lets go of all by itself", () => {
  deepEqual(asked(10, [4, -4, 4, -4, 4, -4, 4]), [0, 0, 0, 0, 0, 0, 0]);
});
