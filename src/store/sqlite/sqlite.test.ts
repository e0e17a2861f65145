import { deepEqual, equal, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import type { NewOutboxRow } from "../outbox-rows.ts";
import { sqlite } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-sqlite-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function freshPath(): string {
  return join(folder, `${++files}.db`);
}

const row: NewOutboxRow = {
  id: "id",
  lane: 3,
  key: "key",
  channel: "{}",
  head: "{}",
  data: Buffer.from("data"),
  notBefore: undefined,
};

test("OB-3: what is committed is synced, and the file is in WAL", async () => {
  await using store = sqlite(freshPath());
  await store.transaction(({ native }) => {
    deepEqual({ ...native.prepare("PRAGMA synchronous").get() }, { synchronous: 2 });
    deepEqual({ ...native.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
    return Promise.resolve();
  });
});

test("while another process writes a transaction waits, and the event loop goes on", async () => {
  const path = freshPath();
  await using store = sqlite(path);
  await store.migrate();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const order: string[] = [];
  const waiting = store.transaction(async (tx) => {
    order.push("ours");
    await store.outbox.insert(tx, [row]);
  });
  const keeping = store.outbox.keep("relay", 10_000, []);
  // What reads waits for nobody.
  for (let looks = 0; looks < 20; looks++) equal(await store.outbox.oldestMs(), 0);
  order.push("theirs");
  other.exec("COMMIT");
  other.close();
  await waiting;
  equal((await keeping).leases.length, 32);
  deepEqual(order, ["theirs", "ours"]);
});

test("what a user has begun on a connection of his own can be published in, and everything else has another one", async () => {
  const path = freshPath();
  const mine = new DatabaseSync(path);
  await using store = sqlite(mine);
  await store.migrate();
  mine.exec("BEGIN IMMEDIATE");
  const tx = store.adopt(mine);
  equal(tx.managed, false);
  await store.outbox.insert(tx, [row]);
  deepEqual(await store.outbox.read([3], [], 10), []);
  mine.exec("COMMIT");
  equal((await store.outbox.read([3], [], 10)).length, 1);
  await store.transaction((own) => {
    equal(own.native === mine, false);
    equal(mine.isTransaction, false);
    return Promise.resolve();
  });
  await store.close();
  equal(mine.isOpen, true);
  mine.close();
});

test("a database in memory has the one connection of its user", async () => {
  const mine = new DatabaseSync(":memory:");
  await using store = sqlite(mine);
  await store.migrate();
  await store.transaction((tx) => store.outbox.insert(tx, [row]));
  equal((await store.outbox.read([3], [], 10)).length, 1);
  equal(mine.prepare("SELECT id FROM trunkline_outbox").all().length, 1);
  await store.close();
  equal(mine.isOpen, true);
  mine.close();
});

test("a file that cannot be opened is said to be so, and that nothing has begun", async () => {
  await using store = sqlite(join(folder, "no", "such.db"));
  const told = { code: "UNAVAILABLE", executed: "no", message: /unable to open database file/ };
  await rejects(store.outbox.oldestMs(), told);
  await rejects(
    store.transaction(() => Promise.resolve()),
    told,
  );
});

test("a store that was closed says so, and makes no file anew", async () => {
  const path = freshPath();
  const store = sqlite(path);
  await store.migrate();
  await store.close();
  await rejects(store.outbox.oldestMs(), { code: "UNAVAILABLE" });
});
