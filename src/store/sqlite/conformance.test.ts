import { deepEqual } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { storeCases } from "../suite.ts";
import { sqlite } from "./index.ts";

const { dialect, capabilities } = sqlite(":memory:");

const cases = storeCases({
  dialect,
  capabilities,
  env: () => realEnv(),
  stand: async () => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-sqlite-"));
    const path = join(folder, "data.db");
    return {
      open: () => sqlite(path),
      execute: (native, sql) => Promise.resolve((native as DatabaseSync).prepare(sql).all()),
      async own(work) {
        const database = new DatabaseSync(path);
        try {
          database.exec("BEGIN IMMEDIATE");
          await work(database);
          database.exec("COMMIT");
        } catch (error) {
          database.exec("ROLLBACK");
          throw error;
        } finally {
          database.close();
        }
      },
      close: () => rm(folder, { recursive: true }),
    };
  },
});

for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);

test("OB-3: a commit is on the disk before it is said to be: synchronous is FULL, as WAL alone would not have it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-sqlite-"));
  {
    await using store = sqlite(join(folder, "data.db"));
    const settings = await store.transaction(({ native }) =>
      Promise.resolve(
        ["journal_mode", "synchronous"].map(
          (name) => native.prepare(`PRAGMA ${name}`).get()?.[name],
        ),
      ),
    );
    deepEqual(settings, ["wal", 2]);
  }
  await rm(folder, { recursive: true });
});
