import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { bytesOf } from "../../message.ts";
import { insertAll, laneOf, removeOld, safe, seqs, tryRow, type Play } from "./stand.ts";

/** What the next process finds. */
export const keepingCases: Readonly<Record<string, Play>> = {
  "counters are those of the messages that are there": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 100);
    storage.insert(tryRow(1, 101, { held: true, dueAt: 5 }));
    storage.insert(tryRow(1, 102, { held: true, dueAt: 5 }));
    await safe(storage);
    for (let seq = 1; seq <= 10; seq++) removeOld(storage, tryRow(1, seq));
    removeOld(storage, tryRow(1, 101));
    storage.revise(1, 20, { attempts: 1, dueAt: 9, held: true });
    storage.revise(1, 21, { attempts: 1, dueAt: undefined, held: false });
    storage.delivered(1, 50);
    const left = [...Array.from({ length: 90 }, (_, i) => i + 11), 102];
    const bytes = left.reduce((sum, seq) => sum + bytesOf(tryRow(1, seq).message), 0);
    await safe(storage);
    const lane = { lane: 1, next: 103, count: 91, held: 2, bytes, first: 11, delivered: 50 };
    deepEqual((await stand.crash()).found.lanes, [lane]);
  },

  "definitions are kept, replaced and taken back": async (stand) => {
    const { storage } = stand;
    const value = { durable: true, arguments: { "x-max-length": 10, deep: [1, null, "ü"] } };
    storage.define({ kind: "queue", name: "a", value: 1 });
    storage.define({ kind: "queue", name: "a", value });
    storage.define({ kind: "queue", name: "b", value: null });
    storage.define({ kind: "exchange", name: "b", value: "x" });
    storage.undefine("queue", "b");
    storage.undefine("queue", "c");
    await safe(storage);
    const { definitions } = (await stand.crash()).found;
    deepEqual(
      definitions.toSorted((a, b) => a.kind.localeCompare(b.kind)),
      [
        { kind: "exchange", name: "b", value: "x" },
        { kind: "queue", name: "a", value },
      ],
    );
  },

  "marks are remembered until they may be forgotten": async (stand) => {
    const { storage } = stand;
    storage.remember(1_000, [1, 2], 0);
    await safe(storage);
    for (let i = 0; i < 2_000; i += 2) storage.remember(2_000, [i, 4_294_967_295], 0);
    await safe(storage);
    const found = await stand.crash();
    const all = found.found.remembered.flatMap(({ marks }) => [...marks]);
    deepEqual(all.slice(0, 4), [1, 2, 0, 4_294_967_295]);
    equal(all.length, 2_002);
    ok(found.found.remembered.every(({ at }) => at === 1_000 || at === 2_000));
    found.remember(9_000, [7, 7], 3_000);
    await safe(found);
    const later = await stand.crash();
    deepEqual(
      later.found.remembered.map(({ at, marks }) => [at, ...marks]),
      [[9_000, 7, 7]],
    );
  },

  "after a crash there is all that was safe, and what was transient is gone": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 3);
    storage.insert(tryRow(1, 4, { transient: true, held: true, dueAt: 3 }));
    insertAll(storage, 1, 5, 5);
    for (let seq = 1; seq <= 7; seq++)
      storage.insert(tryRow(2, seq, { transient: true, held: seq === 5, dueAt: seq }));
    storage.require("disk");
    await safe(storage);
    const found = await stand.crash();
    deepEqual(await seqs(found, 1), [1, 2, 3, 5]);
    const lane = laneOf(found, 1);
    deepEqual([lane?.next, lane?.count, lane?.held], [6, 4, 0]);
    deepEqual(await seqs(found, 2), []);
    const other = laneOf(found, 2);
    deepEqual([other?.next, other?.count, other?.bytes, other?.held], [8, 0, 0, 0]);
    deepEqual(await found.due(undefined, 9), []);
  },

  "after a close there is all that was noted": async (stand) => {
    insertAll(stand.storage, 1, 1, 3);
    const found = await stand.reopen();
    deepEqual(await seqs(found, 1), [1, 2, 3]);
    equal(found.safe, 0);
  },

  "a closed storage refuses questions": async (stand) => {
    await stand.storage.close();
    await rejects(stand.storage.read(1, 0, 1, 1), { code: "UNAVAILABLE" });
    await rejects(stand.storage.until(stand.storage.batch), { code: "UNAVAILABLE" });
  },
};
