import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Message } from "../message.ts";
import { bytesOf } from "../message.ts";
import type { FoundLane, Row, Storage } from "../storage.ts";

/** A storage to be tried, and what can be done to it. */
export interface StorageStand {
  readonly storage: Storage;
  /** It is closed well, and opened again. */
  reopen(): Promise<Storage>;
  /** Its process dies at this instant, and another one opens it. */
  crash(): Promise<Storage>;
  /** Leaves nothing behind. */
  end(): Promise<void>;
}

/** One sentence about storages, with its proof. */
export interface StorageCase {
  readonly name: string;
  run(): Promise<void>;
}

type Play = (stand: StorageStand) => Promise<void>;

const megabyte = 1_048_576;

/** A message for tries. */
export function tryMessage(text: string, more: Partial<Message> = {}): Message {
  return {
    exchange: "",
    routingKey: "orders",
    properties: Uint8Array.of(0x10, 0, 1),
    body: Buffer.from(text),
    persistent: true,
    priority: 0,
    expirationMs: undefined,
    key: undefined,
    ...more,
  };
}

/** A row for tries. */
export function tryRow(lane: number, seq: number, more: Partial<Row> = {}): Row {
  return {
    lane,
    seq,
    message: tryMessage(`${lane}/${seq}`),
    attempts: 0,
    enqueuedAt: 1_000 * seq,
    dueAt: undefined,
    held: false,
    transient: false,
    ...more,
  };
}

function insertAll(storage: Storage, lane: number, from: number, to: number): void {
  for (let seq = from; seq <= to; seq++) storage.insert(tryRow(lane, seq));
}

function removeOld(storage: Storage, row: Row): void {
  storage.remove(row.lane, row.seq, bytesOf(row.message), 0, 0);
}

async function safe(storage: Storage): Promise<void> {
  await storage.until(storage.batch);
}

async function seqs(storage: Storage, lane: number, from = 0): Promise<number[]> {
  return (await storage.readAll(lane, from, 1_000, megabyte)).map(({ seq }) => seq);
}

function laneOf(storage: Storage, lane: number): FoundLane | undefined {
  return storage.found.lanes.find((each) => each.lane === lane);
}

/** Compares what a row says, whatever kinds of bytes it is made of. */
function same(found: Row | undefined, row: Row): void {
  ok(found !== undefined);
  const plain = ({ message, ...rest }: Row): unknown => ({
    ...rest,
    message: {
      ...message,
      body: Buffer.from(message.body).toString("hex"),
      properties: Buffer.from(message.properties).toString("hex"),
    },
  });
  deepEqual(plain(found), plain(row));
}

const cases: Readonly<Record<string, Play>> = {
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
    const left = async (lane: number) =>
      (await storage.readAll(lane, 0, 100, megabyte)).map(({ seq }) => seq);
    deepEqual(await left(1), [1, 8]);
    deepEqual(await left(2), [1, 8, 11, 12]);
    const [one, two] = (await stand.reopen()).found.lanes;
    deepEqual([one?.count, one?.held], [2, 0]);
    deepEqual([two?.count, two?.held], [4, 2]);
    equal(one?.bytes, bytesOf(tryMessage("1/1")) + bytesOf(tryMessage("1/8")));
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
    await safe(storage);
    const found = await stand.crash();
    equal(laneOf(found, 1)?.count, 4);
    found.insert(keyed(6, "b"));
    found.insert(keyed(7, "a"));
    deepEqual(await seqs(found, 1), [3, 5, 6, 7]);
    found.trim(1, 7);
    found.insert(keyed(8, "b"));
    deepEqual(await seqs(found, 1), [7, 8]);
  },

  "an instant is found in a lane with gaps": async ({ storage }) => {
    for (const seq of [2, 3, 7, 8, 20]) storage.insert(tryRow(1, seq));
    equal(await storage.seek(1, 0), 2);
    equal(await storage.seek(1, 3_000), 3);
    equal(await storage.seek(1, 3_001), 7);
    equal(await storage.seek(1, 8_500), 20);
    equal(await storage.seek(1, 20_001), 21);
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
    storage.require("disk");
    await safe(storage);
    const found = await stand.crash();
    deepEqual(await seqs(found, 1), [1, 2, 3, 5]);
    const lane = laneOf(found, 1);
    deepEqual([lane?.next, lane?.count, lane?.held], [6, 4, 0]);
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

/**
 * The conformance suite of storages: each promise of the port, and its proof. Register the cases with any test runner.
 */
export function storageCases(stand: () => Promise<StorageStand>): StorageCase[] {
  return Object.entries(cases).map(([name, play]) => ({
    name,
    run: async () => {
      const subject = await stand();
      try {
        await play(subject);
      } finally {
        await subject.end();
      }
    },
  }));
}
