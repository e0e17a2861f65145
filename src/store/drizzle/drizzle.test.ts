import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import Database from "better-sqlite3";
import { sql } from "drizzle-orm";
import { drizzle as ofBetterSqlite3 } from "drizzle-orm/better-sqlite3";
import { drizzle as ofMysql2 } from "drizzle-orm/mysql2";
import { drizzle as ofPg } from "drizzle-orm/node-postgres";
import { drizzle as ofPostgresJs } from "drizzle-orm/postgres-js";
import { createPool } from "mysql2/promise";
import { Client, Pool } from "pg";
import postgresJs from "postgres";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { isTrunklineError } from "../../base/error.ts";
import { pending, publish } from "../sql/testing/published.ts";
import { drizzle } from "./index.ts";

await suiteOn("postgres", "Drizzle, by pg, in particular", (fresh) => {
  const opened = async () => {
    const pool = new Pool({ connectionString: await fresh() });
    pool.on("error", () => {});
    const db = ofPg(pool);
    const store = drizzle(db);
    await store.migrate();
    return { db, store, [Symbol.asyncDispose]: () => pool.end() };
  };

  test("a nested transaction that is rolled back takes its messages with it, and no others", async () => {
    await using own = await opened();
    const { db, store } = own;
    await db.transaction(async (tx) => {
      await publish(store, tx, "outer");
      const nested = tx.transaction(async (inner) => {
        await publish(store, inner, "inner");
        throw new Error("back");
      });
      await rejects(nested, { message: "back" });
      await tx.transaction((inner) => publish(store, inner, "kept"));
    });
    deepEqual(await pending(store), ["outer", "kept"]);
  });

  test("a transaction in which a statement has failed is not taken for committed", async () => {
    await using own = await opened();
    const { store } = own;
    const work = store.transaction(async ({ native: tx }) => {
      await publish(store, tx, "lost");
      await rejects(tx.execute(sql`SELECT 1 / 0`));
    });
    await rejects(work, { code: "INVALID_ARGUMENT", executed: "no" });
    deepEqual(await pending(store), []);
  });

  test("a connection that is lost between two statements ends the transaction, and not the process", async () => {
    await using own = await opened();
    const { db, store } = own;
    const work = store.transaction(async ({ native: tx }) => {
      const { rows } = await tx.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
      const { client } = (tx as unknown as { session: { client: NodeJS.EventEmitter } }).session;
      const gone = new Promise((resolve) => client.once("end", resolve));
      await db.execute(sql`SELECT pg_terminate_backend(${rows[0]!.pid})`);
      await gone;
      await publish(store, tx, "lost");
    });
    await rejects(work, { code: "UNAVAILABLE", executed: "no" });
    deepEqual(await pending(store), []);
  });

  test("what is refused is said without the values of the statement", async () => {
    await using own = await opened();
    const { store } = own;
    const work = store.transaction(async ({ native: tx }) => {
      await tx.execute(sql`DROP TABLE trunkline_outbox`);
      await publish(store, tx, "top secret");
    });
    const error = await work.catch((thrown: unknown) => thrown);
    ok(isTrunklineError(error));
    equal(error.code, "INVALID_ARGUMENT");
    ok(!`${error.message} ${(error.cause as Error).message}`.includes("top secret"));
  });

  test("the address is said, without a password", async () => {
    const pool = new Pool({ connectionString: "postgres://me:secret@db.example:5433/shop" });
    equal(drizzle(ofPg(pool)).address, "postgres://db.example:5433/shop");
    await pool.end();
    const client = postgresJs("postgres://me:secret@db.example:5433/shop");
    equal(drizzle(ofPostgresJs(client)).address, "postgres://db.example:5433/shop");
    const mysql = createPool("mysql://me:secret@db.example:3307/shop");
    equal(drizzle(ofMysql2(mysql)).address, "mysql://db.example:3307/shop");
    await mysql.end();
  });
});

test("one connection to PostgreSQL is refused, as the relay has transactions too", () => {
  throws(() => drizzle(ofPg(new Client())), { code: "INVALID_ARGUMENT" });
});

await suiteOn("sqlite", "Drizzle, by better-sqlite3, in particular", (fresh) => {
  const opened = async () => {
    const client = new Database(await fresh());
    const db = ofBetterSqlite3(client);
    const store = drizzle(db);
    await store.migrate();
    db.run(sql`CREATE TABLE effect (id integer PRIMARY KEY)`);
    const effects = (): unknown[] => db.all(sql`SELECT id FROM effect`);
    return { db, store, effects, [Symbol.asyncDispose]: async () => void client.close() };
  };

  test("a transaction of the store is one of Drizzle, and lasts while others are waited for", async () => {
    await using own = await opened();
    const { store, effects } = own;
    await store.transaction(async (tx) => {
      tx.native.run(sql`INSERT INTO effect VALUES (1)`);
      await new Promise((resolve) => setImmediate(resolve));
      tx.native.transaction((inner) => inner.run(sql`INSERT INTO effect VALUES (2)`));
      await publish(store, tx.native, "with them");
    });
    deepEqual([effects(), await pending(store)], [[{ id: 1 }, { id: 2 }], ["with them"]]);
    const failing = store.transaction(async (tx) => {
      tx.native.run(sql`INSERT INTO effect VALUES (3)`);
      await publish(store, tx.native, "lost");
      throw new Error("back");
    });
    await rejects(failing, { message: "back" });
    deepEqual([effects(), await pending(store)], [[{ id: 1 }, { id: 2 }], ["with them"]]);
  });

  test("what is read beside an open transaction waits for its end, and sees nothing that is rolled back", async () => {
    await using own = await opened();
    const { store } = own;
    const failing = store.transaction(async (tx) => {
      await publish(store, tx.native, "never");
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("back");
    });
    const [outcome, seen] = await Promise.allSettled([failing, pending(store)]);
    equal(outcome.status, "rejected");
    deepEqual(seen, { status: "fulfilled", value: [] });
  });

  test("its own transactions are refused by a sentence that says what to do", async () => {
    await using own = await opened();
    const { db, store } = own;
    db.transaction((tx) => {
      throws(
        () => store.adopt(tx),
        (error) => {
          ok(isTrunklineError(error));
          match(error.message, /outbox\.transaction/);
          return error.code === "INVALID_ARGUMENT";
        },
      );
    });
  });
});
