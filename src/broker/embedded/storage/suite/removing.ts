import { deepEqual, equal } from "node:assert/strict";
import { bytesOf } from "../../message.ts";
import type { Row, Storage } from "../../storage.ts";
import {
  bytesThere,
  insertAll,
  laneOf,
  megabyte,
  removeOld,
  safe,
  seqs,
  tryMessage,
  tryRow,
  type Play,
} from "./stand.ts";

/** What is gone is gone, and all else is there. */
export const removingCases: Readonly<Record<string, Play>> = {
  "removes in a row take just what they name, held back or not, and all is counted": async (
    stand,
  ) => {
    const { storage } = stand;
    const body = Buffer.alloc(megabyte);
    for (const lane of [1, 2])
      for (let seq = 1; seq <= 12; seq++) {
        const held = lane === 2 && seq % 4 === 0;
        const message = seq === 6 ? tryMessage("", { body }) : tryMessage(`${lane}/${seq}`);
        const dueAt = held ? 99_000 : undefined;
        storage.insert(tryRow(lane, seq, { message, held, dueAt }));
      }
    await storage.until(storage.batch);
    for (const lane of [1, 2])
      for (const seq of [2, 3, 4, 5, 6, 7, 9, 10])
        removeOld(
          storage,
          tryRow(lane, seq, seq === 6 ? { message: tryMessage("", { body }) } : {}),
        );
    for (const seq of [11, 12]) removeOld(storage, tryRow(1, seq));
    await storage.until(storage.batch);
    const left = async (lane: number): Promise<number[]> =>
      (await storage.readAll(lane, 0, 100, megabyte)).map(({ seq }) => seq);
    deepEqual(await left(1), [1, 8]);
    deepEqual(await left(2), [1, 8, 11, 12]);
    const [one, two] = (await stand.reopen()).found.lanes;
    deepEqual([one?.count, one?.held], [2, 0]);
    deepEqual([two?.count, two?.held], [4, 2]);
    equal(one?.bytes, bytesOf(tryMessage("1/1")) + bytesOf(tryMessage("1/8")));
  },

  "a trim takes what is below, a purge all, and numbers go on": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 10);
    insertAll(storage, 2, 1, 10);
    storage.trim(1, 8);
    storage.purge(2, 0, true);
    storage.insert(tryRow(2, 11));
    await safe(storage);
    const found = await stand.crash();
    deepEqual(await seqs(found, 1), [8, 9, 10]);
    deepEqual(await seqs(found, 2), [11]);
    const counts = found.found.lanes.map(({ lane, next, count, first }) => {
      return [lane, next, count, first];
    });
    deepEqual(counts, [
      [1, 11, 3, 8],
      [2, 12, 1, 11],
    ]);
    equal(laneOf(found, 2)?.bytes, bytesOf(tryRow(2, 11).message));
  },

  "a purge leaves what is below its place, and what is held back where it is told": async (
    stand,
  ) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 5);
    storage.insert(tryRow(1, 6, { held: true, dueAt: 9 }));
    insertAll(storage, 1, 7, 7);
    storage.purge(1, 3, false);
    deepEqual(await seqs(storage, 1), [1, 2, 6]);
    await safe(storage);
    const found = await stand.crash();
    const { count, held, next } = laneOf(found, 1) ?? {};
    deepEqual([count, held, next], [3, 1, 8]);
    found.purge(1, 2, true);
    deepEqual(await seqs(found, 1), [1]);
    await safe(found);
    const again = laneOf(await stand.crash(), 1);
    deepEqual([again?.count, again?.held], [1, 0]);
    equal(again?.bytes, bytesOf(tryRow(1, 1).message));
  },

  "of many the same holds at once, and while their room is given back": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 6_000);
    for (let seq = 1; seq <= 5_000; seq++) storage.insert(tryRow(2, seq, { dueAt: seq }));
    insertAll(storage, 3, 1, 3_000);
    await safe(storage);
    storage.purge(1, 11, true);
    storage.drop(2);
    storage.trim(3, 2_901);
    storage.insert(tryRow(1, 6_001));
    storage.insert(tryRow(2, 1, { dueAt: 7 }));
    removeOld(storage, tryRow(1, 6_000));
    const look = async (subject: Storage): Promise<void> => {
      deepEqual(await seqs(subject, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6_001]);
      deepEqual(await seqs(subject, 1, 5_000), [6_001]);
      deepEqual(await seqs(subject, 2), [1]);
      deepEqual(await subject.due(undefined, 10), [{ dueAt: 7, lane: 2, seq: 1 }]);
      equal(await subject.seek(3, 0), 2_901);
      equal(await subject.seek(1, 5_000_000), 6_001);
    };
    await look(storage);
    await safe(storage);
    const found = await stand.crash();
    await look(found);
    const counts = found.found.lanes.map(({ lane, next, count, first }) => {
      return [lane, next, count, first];
    });
    deepEqual(counts, [
      [1, 6_002, 11, 1],
      [2, 2, 1, 1],
      [3, 3_001, 100, 2_901],
    ]);
    found.purge(1, 0, false);
    deepEqual(await seqs(found, 1), []);
    await safe(found);
    equal(laneOf(await stand.crash(), 1)?.count, 0);
  },

  "a lane that is used again has nothing of the one before": async (stand) => {
    let { storage } = stand;
    insertAll(storage, 1, 1, 3_000);
    await safe(storage);
    storage.purge(1, 11, true);
    await safe(storage);
    storage.drop(1);
    await safe(storage);
    insertAll(storage, 1, 1, 20);
    await safe(storage);
    storage = await stand.crash();
    deepEqual((await seqs(storage, 1)).length, 20);
    insertAll(storage, 1, 21, 4_000);
    await safe(storage);
    storage = await stand.crash();
    const { count, next } = laneOf(storage, 1) ?? {};
    deepEqual([count, next], [4_000, 4_001]);
    deepEqual(await seqs(storage, 1, 3_999), [3_999, 4_000]);
  },

  "a remove of what is gone already changes nothing": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 10);
    insertAll(storage, 2, 1, 10);
    await safe(storage);
    storage.purge(1, 3, true);
    for (const seq of [2, 3, 4, 99]) removeOld(storage, tryRow(1, seq));
    removeOld(storage, tryRow(2, 1));
    removeOld(storage, tryRow(2, 1));
    insertAll(storage, 2, 11, 11);
    await safe(storage);
    const found = await stand.crash();
    deepEqual(
      found.found.lanes.map(({ lane, count, bytes }) => [lane, count, bytes]),
      [
        [1, 1, bytesOf(tryRow(1, 1).message)],
        [2, 10, await bytesThere(found, 2)],
      ],
    );
  },

  "a dropped lane is gone, and its number can be used again": async (stand) => {
    const { storage } = stand;
    insertAll(storage, 1, 1, 10);
    await safe(storage);
    storage.drop(1);
    await safe(storage);
    const found = await stand.crash();
    deepEqual(found.found.lanes, []);
    deepEqual(await seqs(found, 1), []);
    insertAll(found, 1, 1, 2);
    deepEqual(await seqs(found, 1), [1, 2]);
  },

  "of each key only the newest stays in a compact lane": async (stand) => {
    const { storage } = stand;
    storage.compact(1);
    const keyed = (seq: number, key?: string): Row =>
      tryRow(1, seq, { message: tryMessage(`${seq}`, { key }) });
    storage.insert(keyed(1, "a"));
    storage.insert(keyed(2, "b"));
    storage.insert(keyed(3));
    await safe(storage);
    storage.insert(keyed(4, "a"));
    storage.insert(keyed(5));
    deepEqual(await seqs(storage, 1), [2, 3, 4, 5]);
    const looked = await storage.look(1);
    equal(looked?.count, 4);
    equal(looked.first, 2);
    equal(looked.next, 6);
    equal(await storage.look(7), undefined);
    await safe(storage);
    const found = await stand.crash();
    equal(laneOf(found, 1)?.count, 4);
    found.insert(keyed(6, "b"));
    found.insert(keyed(7, "a"));
    deepEqual(await seqs(found, 1), [3, 5, 6, 7]);
    found.trim(1, 7);
    found.insert(keyed(8, "b"));
    deepEqual(await seqs(found, 1), [7, 8]);
    removeOld(found, keyed(7, "a"));
    removeOld(found, keyed(8, "b"));
    const last = keyed(9, "c");
    found.remove(1, 9, bytesOf(last.message), found.batch, found.insert(last));
    deepEqual(await seqs(found, 1), []);
  },
};
