import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { gateIn, pushbackIn, pushbackOfText, pushbackText, retryAfterIn } from "./pushback.ts";

const day = 86_400_000;

test("a pushback is milliseconds within a day, or never; all else is not said", () => {
  const rows: [told: unknown, read: unknown][] = [
    [0, 0],
    [12.5, 12.5],
    [1e300, day],
    ["never", "never"],
    [-1, undefined],
    [Number.NaN, undefined],
    ["5", undefined],
    [null, undefined],
  ];
  for (const [told, read] of rows) equal(pushbackIn(told), read, String(told));
});

test("as text it comes back as it was, rounded up, with the word that a protocol has for never", () => {
  for (const never of ["never", "-1"]) {
    equal(pushbackOfText(pushbackText(0.2, never), never), 1);
    equal(pushbackOfText(pushbackText("never", never), never), "never");
    equal(pushbackText(undefined, never), undefined);
    for (const bad of ["", "-2", "1.5", "soon", undefined])
      equal(pushbackOfText(bad, never), undefined, bad);
  }
});

test("Retry-After is seconds or an instant, of which the past is now", () => {
  const wall = Date.parse("Sun, 06 Nov 1994 08:49:37 GMT");
  equal(retryAfterIn("3", wall), 3_000);
  equal(retryAfterIn("Sun, 06 Nov 1994 08:49:39 GMT", wall), 2_000);
  equal(retryAfterIn("Sun, 06 Nov 1994 08:49:30 GMT", wall), 0);
  equal(retryAfterIn("999999999999", wall), day);
  for (const bad of ["", "-1", "soon", undefined]) equal(retryAfterIn(bad, wall), undefined, bad);
});

test("the gate of a peer is a short text, and speaks of the endpoint", () => {
  deepEqual(gateIn("admission"), { gate: "admission", endpointFault: true });
  equal(gateIn("g".repeat(1_000)).gate?.length, 64);
  for (const bad of [undefined, "", 7, {}]) deepEqual(gateIn(bad), {});
});
