import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { realEnv } from "../../../base/real-env.ts";
import { openSqliteStorage } from "./open.ts";
import type { SqliteStorage } from "./sqlite-storage.ts";
import { storageCases } from "./suite.ts";
import type { StorageStand } from "./suite/stand.ts";

async function stand(): Promise<StorageStand> {
  const folder = await mkdtemp(join(tmpdir(), "storage-"));
  const opened: SqliteStorage[] = [];
  let place = join(folder, "0");
  const open = async (): Promise<SqliteStorage> => {
    const storage = await openSqliteStorage(place, {}, realEnv());
    opened.push(storage);
    return storage;
  };
  return {
    storage: await open(),
    reopen: async () => {
      await opened.at(-1)?.close();
      return open();
    },
    // What the files are at this instant is what the next process would find.
    crash: async () => {
      const copy = join(folder, `${opened.length}`);
      await cp(place, copy, { recursive: true });
      place = copy;
      return open();
    },
    end: async () => {
      await Promise.all(opened.map((storage) => storage.close()));
      await rm(folder, { recursive: true });
    },
  };
}

for (const { name, run } of storageCases(stand)) void test(name, { timeout: 60_000 }, run);
