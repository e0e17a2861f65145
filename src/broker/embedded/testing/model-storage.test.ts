import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { storageCases } from "../storage/suite.ts";
import { tryRow, type StorageStand } from "../storage/suite/stand.ts";
import { ModelStorage, type ModelStorageOptions } from "./model-storage.ts";

async function stand(commits: "turn" | number): Promise<StorageStand> {
  const env = new VirtualEnv();
  let storage = new ModelStorage(env, { commits });
  const next = (): ModelStorage => {
    storage = new ModelStorage(env, { commits, image: storage.crash() });
    return storage;
  };
  return {
    storage,
    reopen: async () => {
      await storage.close();
      return next();
    },
    crash: async () => next(),
    end: async () => {
      await storage.close();
      equal(env.alarms, 0);
    },
  };
}

for (const commits of ["turn", 5] as const)
  for (const { name, run } of storageCases(() => stand(commits)))
    void test(`${name} (commits: ${commits})`, { timeout: 60_000 }, run);

function manual(options: ModelStorageOptions = {}): ModelStorage {
  return new ModelStorage(new VirtualEnv(), { commits: "manual", ...options });
}

async function seqs(storage: ModelStorage): Promise<number[]> {
  return (await storage.readAll(1, 0, 100, 1_000_000)).map(({ seq }) => seq);
}

void test("nothing is written before somebody says so", async () => {
  const storage = manual();
  storage.insert(tryRow(1, 1));
  await storage.read(1, 0, 1, 1);
  equal(storage.safe, 0);
  ok(storage.commit());
  equal(storage.safe, 1);
  ok(!storage.commit());
});

void test("a crash loses what was not written, and a cut of the power what was not synced", async () => {
  const play = (): ModelStorage => {
    const storage = manual();
    storage.insert(tryRow(1, 1));
    storage.require("disk");
    storage.commit();
    storage.insert(tryRow(1, 2));
    storage.commit();
    storage.insert(tryRow(1, 3));
    return storage;
  };
  deepEqual(await seqs(manual({ image: play().crash() })), [1, 2]);
  deepEqual(await seqs(manual({ image: play().crash({ power: true }) })), [1]);
});

void test("a failing disk rejects who waits, and leaves what was written", async () => {
  const storage = manual();
  storage.insert(tryRow(1, 1));
  storage.commit();
  storage.insert(tryRow(1, 2));
  const waiting = storage.until(storage.batch);
  storage.fail("It burns.");
  await rejects(waiting, { code: "UNAVAILABLE" });
  equal((await storage.failed).reason, "It burns.");
  storage.insert(tryRow(1, 3));
  deepEqual(await seqs(manual({ image: storage.crash() })), [1]);
});
