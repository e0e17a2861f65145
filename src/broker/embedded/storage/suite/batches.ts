import { deepEqual, equal, ok } from "node:assert/strict";
import { bytesOf } from "../../message.ts";
import { insertAll, laneOf, safe, seqs, tryRow, type Play } from "./stand.ts";

/** What is in one batch, and when it is safe. */
export const batchesCases: Readonly<Record<string, Play>> = {
  "safe rises to the batches that are written, in order, and tells": async ({ storage }) => {
    const told: number[] = [];
    storage.onSafe(() => told.push(storage.safe));
    const first = storage.batch;
    storage.insert(tryRow(1, 1));
    storage.require("disk");
    await storage.until(first);
    ok(storage.safe >= first);
    const second = storage.batch;
    ok(second > first);
    storage.insert(tryRow(1, 2));
    await storage.until(second);
    await storage.until(first);
    deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    equal(storage.unwrittenBytes, 0);
  },

  "a batch in which nothing was noted becomes safe when it is waited for": async ({ storage }) => {
    await storage.until(storage.batch);
    insertAll(storage, 1, 1, 1);
    await storage.until(storage.batch);
    await storage.until(storage.batch);
  },

  "what is noted in one turn is in one batch": async ({ storage }) => {
    const { batch } = storage;
    insertAll(storage, 1, 1, 2_000);
    storage.define({ kind: "queue", name: "q", value: { durable: true } });
    equal(storage.batch, batch);
    ok(storage.unwrittenBytes > 0);
    await storage.until(batch);
    equal(storage.unwrittenBytes, 0);
  },

  "an insert and its remove in one batch cancel out, and the batch becomes safe": async (stand) => {
    const { storage } = stand;
    const { batch } = storage;
    const row = tryRow(1, 1);
    const place = storage.insert(row);
    storage.remove(1, 1, bytesOf(row.message), batch, place);
    equal(storage.unwrittenBytes, 0);
    await storage.until(batch);
    insertAll(storage, 1, 2, 3);
    const next = storage.batch;
    const again = tryRow(1, 4);
    storage.remove(1, 4, bytesOf(again.message), next, storage.insert(again));
    await safe(storage);
    const found = await stand.crash();
    deepEqual(await seqs(found, 1), [2, 3]);
    equal(laneOf(found, 1)?.count, 2);
  },

  "a remove in a later batch than its insert finds it": async (stand) => {
    const { storage } = stand;
    const { batch } = storage;
    const row = tryRow(1, 1);
    const place = storage.insert(row);
    await storage.until(batch);
    storage.remove(1, 1, bytesOf(row.message), batch, place);
    await safe(storage);
    const found = await stand.crash();
    deepEqual(await seqs(found, 1), []);
    deepEqual(found.found.lanes, [
      { lane: 1, next: 2, count: 0, held: 0, bytes: 0, first: 2, delivered: 0 },
    ]);
  },
};
