import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { sleep } from "../../../base/alarm.ts";
import { realEnv } from "../../../base/real-env.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { bytesOf } from "../message.ts";
import { noSmallDisk, smallDisk } from "../testing/small-disk.ts";
import { openSqliteStorage } from "./open.ts";
import { storageFileName } from "./place.ts";
import type { SqliteStorage, SqliteStorageOptions } from "./sqlite-storage.ts";
import { tryMessage, tryRow } from "./suite/stand.ts";
import { verify } from "./tools/verify.ts";

const mebibyte = 1_048_576;
const limit = { timeout: 120_000 };
const large = tryMessage("x".repeat(100_000));

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "storage-"));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function opened<T>(
  folder: string,
  options: SqliteStorageOptions,
  use: (storage: SqliteStorage, env: VirtualEnv) => Promise<T>,
): Promise<T> {
  const env = new VirtualEnv();
  const storage = await openSqliteStorage(folder, options, env);
  try {
    return await use(storage, env);
  } finally {
    await storage.close();
    equal(env.alarms, 0);
  }
}

void test("the room of what is purged is given back", limit, async (context) => {
  const folder = await folderFor(context);
  await opened(folder, {}, async (storage, env) => {
    const body = Buffer.alloc(250_000, 7);
    for (let seq = 1; seq <= 400; seq++) {
      storage.insert(tryRow(1, seq, { message: tryMessage("", { body }) }));
      if (seq % 40 === 0) await storage.until(storage.batch);
    }
    const path = join(folder, storageFileName);
    const sizes = async (): Promise<number> =>
      (await stat(path)).size + (await stat(`${path}-wal`)).size;
    ok((await sizes()) > 100_000_000);
    storage.purge(1, 0, true);
    await storage.until(storage.batch);
    while ((await sizes()) > 30_000_000) await sleep(env, 100);
  });
});

void test(
  "the file is this user's alone, and stays where the link led to",
  limit,
  async (context) => {
    const folder = await folderFor(context);
    const [real, other, link] = ["real", "other", "link"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(real);
    await mkdir(other);
    await symlink(real, link);
    await opened(link, {}, async (storage) => {
      await rm(link);
      await symlink(other, link);
      storage.insert(tryRow(1, 1));
      storage.require("disk");
      await storage.until(storage.batch);
      for (const name of await readdir(real)) equal((await stat(join(real, name))).mode & 0o077, 0);
    });
    deepEqual(await readdir(other), []);
    deepEqual(await readdir(real), [storageFileName]);
    await symlink(join(real, storageFileName), join(other, storageFileName));
    await rejects(openSqliteStorage(other, {}, realEnv()), { code: "INVALID_ARGUMENT" });
  },
);

void test("a folder that is made is this user's alone", limit, async (context) => {
  const folder = join(await folderFor(context), "a", "b");
  await opened(folder, {}, async () => {});
  equal((await stat(folder)).mode & 0o077, 0);
});

/** Writes until it cannot, and tells what became of it. */
const writing = `
  process.on("SIGXFSZ", () => {});
  const { openSqliteStorage } = await import(${JSON.stringify(import.meta.resolve("./open.ts"))});
  const { realEnv } = await import(${JSON.stringify(import.meta.resolve("../../../base/real-env.ts"))});
  const { tryMessage, tryRow } = await import(${JSON.stringify(import.meta.resolve("./suite/stand.ts"))});
  const storage = await openSqliteStorage(process.argv[1], { walBytesMax: 1_048_576 }, realEnv());
  const message = tryMessage("x".repeat(10_000));
  let safe = 0, code, later;
  for (let seq = 1; code === undefined && seq < 10_000; seq += 2) {
    storage.insert(tryRow(1, seq, { message }));
    storage.insert(tryRow(1, seq + 1, { message }));
    storage.require("disk");
    await storage.until(storage.batch).then(() => (safe = seq + 1), (error) => (code = error.code));
  }
  const failed = await storage.failed;
  const before = storage.safe;
  storage.insert(tryRow(2, 1));
  await storage.until(storage.batch).catch((error) => (later = error.code));
  const read = await storage.read(1, 0, 1, 1).catch((error) => error.code);
  await storage.close();
  console.log(JSON.stringify({ safe, code, later, read, reason: failed.reason, still: storage.safe === before }));`;

void test(
  "after a write that failed nothing is safe any more, and a fresh open finds what was",
  {
    ...limit,
    skip: process.platform === "win32" && "the size of files cannot be limited here",
  },
  async (context) => {
    const folder = await folderFor(context);
    // No file of this process may be longer: a write beyond is an error of the device.
    const command = 'ulimit -f 8192; exec "$0" --input-type=module -e "$1" "$2"';
    const child = spawn("sh", ["-c", command, process.execPath, writing, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const told = JSON.parse(await text(child.stdout)) as Record<string, unknown>;
    const { safe, code, later, read, reason, still } = told;
    deepEqual([code, later, read, still], ["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", true]);
    match(String(reason), /broker\.sqlite/);
    await opened(folder, {}, async (storage) => {
      const [lane] = storage.found.lanes;
      ok(lane !== undefined && lane.next - 1 >= Number(safe), `${String(safe)} of ${lane?.next}`);
      equal(lane.next % 2, 1, "half a turn is there");
      equal((await storage.read(1, 0, 100_000, 1e9)).length, lane.count);
      equal(lane.count, lane.next - 1);
      equal(await storage.seek(2, 0), 0);
    });
    deepEqual((await verify(folder)).problems, []);
  },
);

void test(
  "before the disk is full it says so, and removes and reads go on until there is room",
  {
    ...limit,
    skip: noSmallDisk,
  },
  async (context) => {
    const folder = await smallDisk(context, "32m");
    const options = { walBytesMax: mebibyte, freeBytesMin: 8 * mebibyte };
    await opened(folder, options, async (storage, env) => {
      const turns: boolean[] = [];
      storage.onRoom(() => turns.push(storage.roomy));
      let seq = 0;
      while (storage.roomy) {
        storage.insert(tryRow(1, ++seq, { message: large }));
        storage.require("disk");
        await storage.until(storage.batch);
      }
      ok(seq > 50, `${seq} messages`);
      equal((await storage.read(1, 0, 1_000, 1e9)).length, seq);
      for (let gone = 1; gone <= seq; gone++) {
        storage.remove(1, gone, bytesOf(large), 0, 0);
        storage.require("disk");
        await storage.until(storage.batch);
      }
      while (!storage.roomy) await sleep(env, 100);
      deepEqual(turns, [false, true]);
    });
    deepEqual((await verify(folder)).problems, []);
  },
);

void test(
  "a small disk is not kept full by what is free in the file, nor by the log",
  {
    ...limit,
    skip: noSmallDisk,
  },
  async (context) => {
    const folder = await smallDisk(context, "24m");
    const options = { walBytesMax: 8 * mebibyte, freeBytesMin: 12 * mebibyte };
    await opened(folder, options, async (storage, env) => {
      let seq = 0;
      while (storage.roomy) {
        storage.insert(tryRow(1, ++seq, { message: large }));
        await storage.until(storage.batch);
      }
      for (let gone = 1; gone <= seq; gone++) storage.remove(1, gone, bytesOf(large), 0, 0);
      while (!storage.roomy) await sleep(env, 100);
    });
  },
);

void test(
  "what is never written takes no room",
  {
    ...limit,
    skip: noSmallDisk,
  },
  async (context) => {
    const folder = await smallDisk(context, "32m");
    await opened(
      folder,
      { walBytesMax: mebibyte, freeBytesMin: 16 * mebibyte },
      async (storage) => {
        for (let seq = 1; seq <= 1_000; seq++) {
          const { batch } = storage;
          const place = storage.insert(tryRow(1, seq, { message: large }));
          storage.remove(1, seq, bytesOf(large), batch, place);
          if (seq % 100 === 0) await storage.until(batch);
        }
        ok(storage.roomy);
        equal(storage.unwrittenBytes, 0);
      },
    );
  },
);

void test(
  "a disk that is full all the same is the end, and what was confirmed is found",
  {
    ...limit,
    skip: noSmallDisk,
  },
  async (context) => {
    const folder = await smallDisk(context, "16m");
    const options = { walBytesMax: mebibyte, freeBytesMin: 1 };
    let safe = 0;
    await opened(folder, options, async (storage) => {
      const noted = async (): Promise<void> => {
        storage.insert(tryRow(1, safe + 1, { message: large }));
        storage.require("disk");
        await storage.until(storage.batch);
        safe++;
      };
      await rejects(
        async () => {
          for (;;) await noted();
        },
        { code: "UNAVAILABLE", executed: "maybe" },
      );
      match((await storage.failed).reason, /full/);
    });
    execFileSync("mount", ["-o", "remount,size=32m", folder]);
    await opened(folder, options, async ({ found }) => {
      ok((found.lanes[0]?.count ?? 0) >= safe);
    });
  },
);

void test(
  "a file system that can only be read is refused with the reason",
  {
    ...limit,
    skip: noSmallDisk,
  },
  async (context) => {
    const folder = await smallDisk(context, "16m");
    await opened(folder, {}, async (storage) => {
      storage.insert(tryRow(1, 1));
    });
    execFileSync("mount", ["-o", "remount,ro", folder]);
    await rejects(openSqliteStorage(folder, {}, realEnv()), {
      code: "UNAVAILABLE",
      executed: "no",
    });
  },
);
