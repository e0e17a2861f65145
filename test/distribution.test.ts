import assert from "node:assert/strict";
import { test } from "node:test";
import { distribution } from "../bench/messaging/distribution.ts";

test("hot keys and messages without key are spread over twelve consumers as evenly as was promised", async () => {
  const { rows, goals } = await distribution({ messages: 20_000, seed: 7 });
  for (const { name, met, measured } of goals) assert.ok(met, `${name}: ${measured}`);
  const [before, , bare] = rows;
  assert.ok(before!.maxOverMean > 2, "without salting the busiest has more than twice its share");
  assert.equal(bare!.maxOverMean, 12, "without key and repair one has it all");
});
