import assert from "node:assert/strict";
import { test } from "node:test";
import { SettledTags } from "./settled-tags.ts";

function five(): SettledTags {
  const tags = new SettledTags();
  for (let tag = 1; tag <= 5; tag++) tags.came(tag);
  return tags;
}

test("what was settled without a gap is acknowledged at once, and the rest one by one", () => {
  const tags = five();
  for (const tag of [3, 1, 2, 5]) tags.ack(tag);
  assert.deepEqual(tags.take(), [
    { tag: 5, multiple: false },
    { tag: 3, multiple: true },
  ]);
  tags.ack(4);
  assert.deepEqual(tags.take(), [{ tag: 4, multiple: false }]);
  assert.deepEqual(tags.take(), []);
});

test("a message that was given back is never named in an acknowledgement", () => {
  const tags = five();
  tags.ack(1);
  tags.ack(2);
  tags.without(3);
  assert.deepEqual(tags.take(), [{ tag: 2, multiple: true }]);
});

test("one that is still open holds back no other, and is not acknowledged with them", () => {
  const tags = five();
  tags.ack(2);
  tags.ack(3);
  assert.deepEqual(tags.take(), [
    { tag: 2, multiple: false },
    { tag: 3, multiple: false },
  ]);
});
