import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import Database from "better-sqlite3";
import {
  Kysely,
  MssqlAdapter,
  MysqlAdapter,
  PostgresDialect,
  SqliteDialect,
  sql,
  type Dialect,
} from "kysely";
import { Pool } from "pg";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { pending, publish } from "../sql/testing/published.ts";
import { kysely } from "./index.ts";

interface Tables {
  readonly effect: { readonly id: number };
}

function overPg(connectionString: string): Kysely<Tables> {
  const pool = new Pool({ connectionString });
  pool.on("error", () => {});
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

await suiteOn("postgres", "Kysely, by pg, in particular", (fresh) => {
  test("a savepoint that is rolled back to takes its messages with it, and no others", async () => {
    await using db = overPg(await fresh());
    const store = kysely(db);
    await store.migrate();
    const trx = await db.startTransaction().execute();
    await publish(store, trx, "outer");
    const after = await trx.savepoint("before").execute();
    await publish(store, after, "inner");
    await (await after.rollbackToSavepoint("before").execute()).commit().execute();
    deepEqual(await pending(store), ["outer"]);
    throws(() => store.adopt(trx), { code: "INVALID_ARGUMENT" });
  });

  test("a transaction in which a statement has failed is not taken for committed", async () => {
    await using db = overPg(await fresh());
    const store = kysely(db);
    await store.migrate();
    const work = store.transaction(async ({ native: trx }) => {
      await publish(store, trx, "lost");
      await rejects(sql`SELECT 1 / 0`.execute(trx));
    });
    await rejects(work, { code: "INVALID_ARGUMENT", executed: "no" });
    deepEqual(await pending(store), []);
  });
});

await suiteOn("sqlite", "Kysely, by better-sqlite3, in particular", (fresh) => {
  test("effect and message are there together, or not at all", async () => {
    const database = new Database(await fresh());
    await using db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
    const store = kysely(db);
    await store.migrate();
    await db.schema.createTable("effect").addColumn("id", "integer").execute();
    await db.transaction().execute(async (trx) => {
      await trx.insertInto("effect").values({ id: 1 }).execute();
      await publish(store, trx, "with it");
    });
    const failing = store.transaction(async ({ native: trx }) => {
      await trx.insertInto("effect").values({ id: 2 }).execute();
      await publish(store, trx, "lost");
      throw new Error("back");
    });
    await rejects(failing, { message: "back" });
    deepEqual(await db.selectFrom("effect").selectAll().execute(), [{ id: 1 }]);
    deepEqual(await pending(store), ["with it"]);
  });

  test("a store waits for whoever writes to the file, and lets the event loop go on", async () => {
    const path = await fresh();
    await using db = new Kysely<Tables>({
      dialect: new SqliteDialect({ database: new Database(path) }),
    });
    const store = kysely(db);
    await store.migrate();
    const other = new Database(path);
    other.exec("BEGIN IMMEDIATE");
    const work = store.transaction(({ native: trx }) => publish(store, trx, "after it"));
    // It has looked, and found the file locked.
    await new Promise((resolve) => setTimeout(resolve, 5));
    other.exec("COMMIT");
    await work;
    deepEqual(await pending(store), ["after it"]);
    const timeout = await sql<{ timeout: number }>`PRAGMA busy_timeout`.execute(db);
    equal(timeout.rows[0]?.timeout, 5_000);
    other.close();
  });
});

test("which database it is follows from the adapter, or is said; others are refused", () => {
  const speaking = (adapter: object): Kysely<Tables> =>
    new Kysely<Tables>({
      dialect: {
        createAdapter: () => adapter,
        createDriver: () => ({}),
        createQueryCompiler: () => ({}),
      } as unknown as Dialect,
    });
  equal(kysely(speaking(new MysqlAdapter())).dialect, "mysql");
  const mssql = speaking(new MssqlAdapter());
  throws(() => kysely(mssql), { code: "INVALID_ARGUMENT" });
  equal(kysely(mssql, { dialect: "postgres" }).dialect, "postgres");
});
