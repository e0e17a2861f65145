import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import Database from "better-sqlite3";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { partsOn, subjectOf, type Opened, type Row } from "../sql/testing/subject.ts";
import { pending, row } from "../sql/testing/published.ts";
import { storeCases } from "../suite.ts";
import { sqlite } from "./index.ts";

function over(path: string): Opened {
  const database = new Database(path);
  const store = sqlite(database);
  return {
    store,
    execute(native, text) {
      const statement = (native as Database.Database).prepare<[], Row>(text);
      if (statement.reader) return Promise.resolve(statement.all());
      statement.run();
      return Promise.resolve([]);
    },
    async own(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        await work(database);
        database.exec("COMMIT");
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
    close: () => store.close().then(() => database.close()),
  };
}

await suiteOn("sqlite", "SQLite, by better-sqlite3", (fresh) => {
  const cases = storeCases(subjectOf("sqlite", over, fresh), partsOn["sqlite"]);
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);

  test("what handlers are given is a database of better-sqlite3, and not the one that was given", async () => {
    const database = new Database(await fresh());
    await using store = sqlite(database);
    equal(store.name, "better-sqlite3");
    await store.migrate();
    await store.transaction(async ({ native }) => {
      equal(native instanceof Database, true);
      equal(native === database, false);
    });
    database.close();
  });

  test("a function of better-sqlite3 ends before anything is written, and what was to be published says so", async () => {
    const database = new Database(await fresh());
    await using store = sqlite(database);
    await store.migrate();
    let published: Promise<void> | undefined;
    database.transaction(() => {
      const tx = store.adopt(database);
      published = Promise.resolve().then(() => store.outbox.insert(tx, [row("late")]));
    })();
    await rejects(published!, { code: "INVALID_ARGUMENT", executed: "no" });
    deepEqual(await pending(store), []);
    database.close();
  });
});
