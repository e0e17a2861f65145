import assert from "node:assert/strict";
import { test } from "node:test";
import { redacted } from "./redacted.ts";

test("the texts at the paths are overwritten, in lists too, and nothing else", () => {
  const order = {
    id: "o-1",
    card: { number: "4111", name: "Ada" },
    lines: [{ note: "a", sku: 1 }, { sku: 2 }],
    tags: ["x", "y"],
    gift: null,
  };
  const copy = redacted(order, ["card.number", "lines.note", "tags", "gift", "absent.deep"], "***");
  assert.deepEqual(copy, {
    id: "o-1",
    card: { number: "***", name: "Ada" },
    lines: [{ note: "***", sku: 1 }, { sku: 2 }],
    tags: ["***", "***"],
    gift: null,
  });
  assert.equal(order.card.number, "4111");
});
