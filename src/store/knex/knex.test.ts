import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import knexOf from "knex";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { isTrunklineError } from "../../base/error.ts";
import { pending, publish } from "../sql/testing/published.ts";
import { knex } from "./index.ts";

await suiteOn("postgres", "Knex, by pg, in particular", (fresh) => {
  const opened = async () => {
    const db = knexOf({
      client: "pg",
      connection: await fresh(),
      // As those do who write columns in camel case.
      postProcessResponse: () => "something else",
    });
    const store = knex(db);
    await store.migrate();
    return { db, store, [Symbol.asyncDispose]: () => db.destroy() };
  };

  test("a nested transaction that is rolled back takes its messages with it, and no others", async () => {
    await using own = await opened();
    const { db, store } = own;
    const ended = await db.transaction(async (trx) => {
      await publish(store, trx, "outer");
      const nested = trx.transaction(async (inner) => {
        await publish(store, inner, "inner");
        throw new Error("back");
      });
      await rejects(nested, { message: "back" });
      return trx;
    });
    deepEqual(await pending(store), ["outer"]);
    throws(() => store.adopt(ended), { code: "INVALID_ARGUMENT" });
  });

  test("a transaction in which a statement has failed is not taken for committed", async () => {
    await using own = await opened();
    const { store } = own;
    const work = store.transaction(async ({ native: trx }) => {
      await publish(store, trx, "lost");
      await rejects(trx.raw("SELECT 1 / 0"));
    });
    await rejects(work, { code: "INVALID_ARGUMENT", executed: "no" });
    deepEqual(await pending(store), []);
  });

  test("what is refused is said without the values of the statement", async () => {
    await using own = await opened();
    const { store } = own;
    const work = store.transaction(async ({ native: trx }) => {
      await trx.raw("DROP TABLE trunkline_outbox");
      await publish(store, trx, "top secret");
    });
    const error = await work.catch((thrown: unknown) => thrown);
    ok(isTrunklineError(error));
    equal(error.code, "INVALID_ARGUMENT");
    ok(!`${error.message} ${(error.cause as Error).message}`.includes("top secret"));
  });

  test("the address is said, without a password", async () => {
    const db = knexOf({ client: "pg", connection: "postgres://me:secret@db.example:5433/shop" });
    equal(knex(db).address, "postgres://db.example:5433/shop");
    await db.destroy();
  });
});

test("CockroachDB is refused, as it locks nothing for those who ask PostgreSQL's way", () => {
  throws(() => knex(knexOf({ client: "cockroachdb" })), { code: "INVALID_ARGUMENT" });
});
