import { deepEqual, equal, ok } from "node:assert/strict";
import {
  insertAll,
  laneOf,
  megabyte,
  removeOld,
  safe,
  same,
  seqs,
  tryMessage,
  tryRow,
  type Play,
} from "./stand.ts";

/** What is noted is read as it was. */
export const rowsCases: Readonly<Record<string, Play>> = {
  "a new storage has nothing": async ({ storage }) => {
    deepEqual(storage.found, { definitions: [], lanes: [], remembered: [] });
    equal(storage.safe, 0);
    ok(storage.roomy);
    deepEqual(await seqs(storage, 1), []);
    deepEqual(await storage.due(undefined, 10), []);
  },

  "a row comes back as it was noted": async ({ storage }) => {
    const everything = tryMessage("body", {
      exchange: "amq.topic",
      routingKey: "länge.".repeat(60),
      key: "k€y",
      priority: 255,
      expirationMs: 1_500.5,
      persistent: false,
    });
    const full = { message: everything, attempts: 7, dueAt: 1_800_000_000_000, held: true };
    const rows = [
      tryRow(2, 1, full),
      tryRow(2, 2, { transient: true }),
      tryRow(2, 3, { message: tryMessage("", { key: "", properties: new Uint8Array(0) }) }),
      tryRow(1_048_575, 8_796_093_022_207),
    ];
    for (const row of rows) storage.insert(row);
    const found = [
      ...(await storage.readAll(2, 0, 10, megabyte)),
      ...(await storage.readAll(1_048_575, 0, 10, megabyte)),
    ];
    equal(found.length, rows.length);
    for (const [i, row] of rows.entries()) same(found[i], row);
  },

  "bodies of any size come back": async (stand) => {
    const sizes = [0, 1, 5_000, 262_144, 262_145, 3 * megabyte + 17];
    const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 65));
    for (const [i, body] of bodies.entries())
      stand.storage.insert(tryRow(1, i + 1, { message: tryMessage("", { body }) }));
    await safe(stand.storage);
    const storage = await stand.reopen();
    for (const [i, body] of bodies.entries()) {
      const [row] = await storage.read(1, i + 1, 1, 1);
      ok(row !== undefined && Buffer.from(row.message.body).equals(body), `size ${sizes[i]}`);
    }
    equal(laneOf(storage, 1)?.count, sizes.length);
    storage.purge(1, 0, true);
    deepEqual(await seqs(storage, 1), []);
  },

  "reads begin where they are told, and end with the lane": async ({ storage }) => {
    insertAll(storage, 3, 1, 5);
    insertAll(storage, 4, 1, 5);
    insertAll(storage, 5, 1, 5);
    deepEqual(await seqs(storage, 4, 3), [3, 4, 5]);
    deepEqual(await seqs(storage, 4, 6), []);
    deepEqual(
      (await storage.read(4, 0, 2, megabyte)).map(({ seq }) => seq),
      [1, 2],
    );
  },

  "a read ends about where its bytes do, and brings one row at least": async ({ storage }) => {
    for (let seq = 1; seq <= 10; seq++)
      storage.insert(tryRow(1, seq, { message: tryMessage("x".repeat(1_000)) }));
    equal((await storage.read(1, 0, 10, 1)).length, 1);
    const some = await storage.read(1, 0, 10, 5_000);
    ok(some.length >= 3 && some.length <= 5, `${some.length} rows`);
  },

  "what was noted is read at once, whether it is written or not": async ({ storage }) => {
    insertAll(storage, 1, 1, 2);
    const first = seqs(storage, 1);
    insertAll(storage, 1, 3, 3);
    const second = seqs(storage, 1);
    removeOld(storage, tryRow(1, 1));
    deepEqual((await first).slice(-2).length, 2);
    ok((await second).includes(3));
    deepEqual(await seqs(storage, 1), [2, 3]);
  },

  "a revision changes what it says, and nothing else": async ({ storage }) => {
    const row = tryRow(1, 1);
    storage.insert(row);
    const revision = { attempts: 3, dueAt: 77, held: true };
    storage.revise(1, 1, revision);
    deepEqual(await storage.read(1, 0, 10, megabyte), []);
    same((await storage.readAll(1, 0, 10, megabyte))[0], { ...row, ...revision });
    storage.revise(1, 1, { attempts: 4, dueAt: undefined, held: false });
    same((await storage.read(1, 0, 10, megabyte))[0], { ...row, attempts: 4 });
    storage.revise(1, 99, revision);
    deepEqual(await seqs(storage, 1), [1]);
  },

  "the soonest due come first, page by page": async ({ storage }) => {
    const dues = [50, 10, 30, 10, 20];
    for (const [i, dueAt] of dues.entries()) storage.insert(tryRow(i % 2, i, { dueAt }));
    storage.insert(tryRow(1, 9));
    const first = await storage.due(undefined, 2);
    deepEqual(first, [
      { dueAt: 10, lane: 1, seq: 1 },
      { dueAt: 10, lane: 1, seq: 3 },
    ]);
    const rest = await storage.due(first.at(-1), 10);
    deepEqual(
      rest.map(({ dueAt }) => dueAt),
      [20, 30, 50],
    );
    storage.revise(0, 4, { attempts: 0, dueAt: undefined, held: false });
    equal((await storage.due(undefined, 10)).length, 4);
  },

  "an instant is found in a lane with gaps": async ({ storage }) => {
    for (const seq of [2, 3, 7, 8, 20]) storage.insert(tryRow(1, seq));
    equal(await storage.seek(1, 0), 2);
    equal(await storage.seek(1, 3_000), 3);
    equal(await storage.seek(1, 3_001), 7);
    equal(await storage.seek(1, 8_500), 20);
    equal(await storage.seek(1, 20_001), 21);
  },
};
