import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { realEnv } from "../../../../base/real-env.ts";
import { openSqliteStorage } from "../open.ts";
import { storageFileName } from "../place.ts";
import type { SqliteStorage } from "../sqlite-storage.ts";
import { tryMessage, tryRow } from "../suite/stand.ts";
import { compact } from "./compact.ts";
import { exportTo } from "./export.ts";
import { importFrom } from "./import.ts";
import { inspect } from "./inspect.ts";
import { repair } from "./repair.ts";
import { verify } from "./verify.ts";

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "storage-"));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function opened<T>(
  folder: string,
  use: (storage: SqliteStorage) => T | Promise<T>,
): Promise<T> {
  const storage = await openSqliteStorage(folder, {}, realEnv());
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

/** Something of each kind. */
function fill(storage: SqliteStorage, count = 500): void {
  storage.define({ kind: "queue", name: "orders", value: { lane: 1 } });
  storage.compact(2);
  for (let seq = 1; seq <= count; seq++)
    storage.insert(tryRow(1, seq, { message: tryMessage(`${seq}`.repeat(100)) }));
  for (const [i, key] of ["a", "b", "a"].entries())
    storage.insert(tryRow(2, i + 1, { message: tryMessage(key, { key, expirationMs: 5 }) }));
  storage.insert(tryRow(3, 1, { message: tryMessage("", { body: Buffer.alloc(600_000, 7) }) }));
  storage.insert(tryRow(3, 2, { held: true, dueAt: 99 }));
  storage.delivered(1, 20);
  storage.remember(1_000, [1, 2, 3, 4], 0);
}

async function exported(folder: string): Promise<string[]> {
  const out = new PassThrough();
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of createInterface({ input: out })) lines.push(line);
  })();
  await exportTo(folder, out);
  out.end();
  await reading;
  return lines;
}

async function* asLines(lines: readonly string[]): AsyncIterable<string> {
  yield* lines;
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** Writes nonsense over the pages in the middle of the file. */
async function damage(path: string, pages: readonly number[]): Promise<void> {
  const file = await open(path, "r+");
  for (const page of pages) await file.write(Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096);
  await file.close();
}

void test("a sound storage is found sound, and told what is in it", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, (storage) => fill(storage));
  const told: string[] = [];
  const { problems, messages, bytes } = await verify(folder, (done, of, what) =>
    told.push(`${done}/${of} ${what}`),
  );
  deepEqual(problems, []);
  equal(messages, 504);
  equal(bytes, (await stat(join(folder, storageFileName))).size);
  match(told.at(-1) ?? "", /done$/);
  const { lanes, definitions, marks } = await inspect(folder);
  deepEqual(definitions, [{ kind: "queue", name: "orders", value: { lane: 1 } }]);
  deepEqual(
    lanes.map(({ lane, count, held, oldestAt }) => [lane, count, held, oldestAt]),
    [
      [1, 500, 0, 1_000],
      [2, 2, 0, 2_000],
      [3, 2, 1, 1_000],
    ],
  );
  equal(marks, 2);
});

void test("what the counters say wrongly is found", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, (storage) => fill(storage));
  const db = new DatabaseSync(join(folder, storageFileName));
  db.exec(`UPDATE lane SET count = 7 WHERE lane = 1; UPDATE lane SET next = 2 WHERE lane = 3;
    DELETE FROM chunk; DELETE FROM message WHERE id = (2 << 43) | 3`);
  db.close();
  const { problems } = await verify(folder);
  match(problems.join("\n"), /Lane 1 says that it has 7 messages .* and has 500 /);
  match(problems.join("\n"), /Lane 3 would give its number 2 again/);
  match(problems.join("\n"), /has lost its large body: lane 3, 1/);
  match(problems.join("\n"), /newest message of a key is not there: lane 2, 3/);
});

void test("an export, imported elsewhere, is the same storage", async (context) => {
  const folder = await folderFor(context);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  await opened(from, (storage) => fill(storage));
  const lines = await exported(from);
  equal(await importFrom(to, asLines(lines)), 504);
  deepEqual(await exported(to), lines);
  const before = await opened(from, ({ found }) => found);
  deepEqual(await opened(to, ({ found }) => found), before);
  deepEqual((await verify(to)).problems, []);
  if (platform() !== "win32") equal((await stat(join(to, storageFileName))).mode & 0o077, 0);
  await rejects(importFrom(to, asLines(lines)), { code: "INVALID_ARGUMENT" });
});

void test("an import that is cut or is nonsense leaves nothing behind", async (context) => {
  const folder = await folderFor(context);
  await rejects(importFrom(folder, asLines(["{}"])), /Line 1 /);
  await rejects(importFrom(folder, asLines(['{"trunkline":"broker","version":99}'])), /Line 1 /);
  const head = '{"trunkline":"broker","version":1}';
  await rejects(importFrom(folder, asLines([head, "nonsense"])), /Line 2 /);
  deepEqual(await readdir(folder), []);
});

void test("free room is given back by a compaction, and everything is there", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, (storage) => {
    fill(storage, 5_000);
    storage.trim(1, 4_900);
  });
  const lines = await exported(folder);
  const { before, after } = await compact(folder);
  ok(after < before / 2, `${before} → ${after}`);
  deepEqual(await exported(folder), lines);
});

void test("tools refuse what a broker has open", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, async () => {
    await rejects(verify(folder), { code: "UNAVAILABLE" });
    await rejects(compact(folder), { code: "UNAVAILABLE" });
    await rejects(inspect(folder), /open in another process/);
    await rejects(repair(folder, true), { code: "UNAVAILABLE" });
    await rejects(openSqliteStorage(folder, {}, realEnv()), { code: "UNAVAILABLE" });
  });
  await rejects(inspect(join(folder, "nothing")), { code: "UNAVAILABLE" });
});

void test("of a damaged file everything else is saved, and it is kept", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, (storage) => fill(storage, 5_000));
  const path = join(folder, storageFileName);
  await damage(path, [150, 151, 200]);
  const before = await digest(path);
  const { problems } = await verify(folder);
  ok(problems.length > 0);
  await rejects(repair(folder, false), { code: "INVALID_ARGUMENT" });
  equal(await digest(path), before);
  const told = await repair(folder, true);
  equal(await digest(told.damaged), before);
  ok(told.problems.length > 0);
  ok(told.lost !== undefined && told.lost > 0 && told.lost < 100, `${told.lost} lost`);
  equal(told.messages, 5_004 - told.lost);
  deepEqual((await verify(folder)).problems, []);
  const { definitions, lanes } = await inspect(folder);
  equal(definitions.length, 1);
  equal(lanes[0]?.next, 5_001);
});

void test("what is no storage, or not all of one, is refused and left as it is", async (context) => {
  const folder = await folderFor(context);
  const path = join(folder, storageFileName);
  await opened(folder, (storage) => fill(storage));
  await truncate(path, (await stat(path)).size - 8_192);
  const cut = await digest(path);
  await rejects(openSqliteStorage(folder, {}, realEnv()), { code: "DATA_LOSS" });
  equal(await digest(path), cut);
  await writeFile(path, "Lorem ipsum".repeat(1_000));
  const nonsense = await digest(path);
  await rejects(openSqliteStorage(folder, {}, realEnv()), { code: "DATA_LOSS" });
  equal(await digest(path), nonsense);
  await rm(path);
  const foreign = new DatabaseSync(path);
  foreign.exec("CREATE TABLE other(a)");
  foreign.close();
  const other = await digest(path);
  await rejects(openSqliteStorage(folder, {}, realEnv()), { code: "INVALID_ARGUMENT" });
  await rejects(verify(folder), { code: "INVALID_ARGUMENT" });
  equal(await digest(path), other);
  deepEqual(await readdir(folder), [storageFileName]);
});

void test("what a newer version wrote is refused with the reason", async (context) => {
  const folder = await folderFor(context);
  await opened(folder, (storage) => fill(storage));
  const db = new DatabaseSync(join(folder, storageFileName));
  db.exec("PRAGMA user_version=99");
  db.close();
  await rejects(openSqliteStorage(folder, {}, realEnv()), /newer version: its form is 99/);
  await rejects(inspect(folder), { code: "UNIMPLEMENTED" });
});
