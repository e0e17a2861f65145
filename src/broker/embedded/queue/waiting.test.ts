import assert from "node:assert/strict";
import { test } from "node:test";
import { Entry } from "./entry.ts";
import type { Message } from "../message.ts";
import { Waiting } from "./waiting.ts";
import { WindowBudget } from "./window-budget.ts";

const empty: Message = {
  ...{ exchange: "", routingKey: "", properties: new Uint8Array(), body: new Uint8Array() },
  ...{ persistent: false, priority: 0, expirationMs: undefined, key: undefined },
};

function entry(seq: number): Entry {
  const terms = { enqueuedAt: 0, attempts: 0, dueAt: undefined, held: false };
  return new Entry(seq, empty, 0, terms, -1, 0);
}

test("empty messages take of the memory that there is, and give it back", () => {
  const budget = new WindowBudget(100_000);
  const waiting = new Waiting(budget);
  let seq = 0;
  while (budget.has(0, waiting.size)) {
    assert.ok(seq < 10_000, "they count for nothing");
    waiting.add(entry(seq++));
  }
  waiting.take();
  assert.ok(budget.has(0, waiting.size));
  waiting.remove(seq - 1);
  waiting.add(entry(0));
  waiting.clear();
  assert.equal(budget.bytes, 0);
});
