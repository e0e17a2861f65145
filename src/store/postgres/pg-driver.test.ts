import { deepEqual, equal, rejects } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import type { NewOutboxRow } from "../outbox-rows.ts";
import { postgres } from "./index.ts";

const row: NewOutboxRow = {
  id: "id",
  lane: 3,
  key: "key",
  channel: "{}",
  head: "{}",
  data: Buffer.from("data"),
  notBefore: undefined,
};

test("nobody listens: what was to be done has not begun", async () => {
  await using store = postgres("postgres://nobody@127.0.0.1:1/nothing");
  const told = { code: "UNAVAILABLE", executed: "no", message: /cannot be reached/ };
  await rejects(store.outbox.oldestMs(), told);
  await rejects(store.outbox.keep("relay", 1_000, []), told);
  await rejects(
    store.transaction(() => Promise.resolve()),
    told,
  );
});

suite("pg with a real server", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  async function migrated(): Promise<ReturnType<typeof postgres>> {
    const store = postgres(await databases.fresh());
    await store.migrate();
    return store;
  }

  /** Ends all other connections of the database of which `which` is true, as an administrator would. */
  async function kill(address: string, which: string): Promise<number> {
    const killed = await databases.run(
      `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${which}`,
      address.split("/").at(-1),
    );
    return Number(killed.trim());
  }

  void test("a connection that is lost within a transaction: nothing of it is there", async () => {
    await using store = await migrated();
    const work = store.transaction(async (tx) => {
      await store.outbox.insert(tx, [row]);
      equal(await kill(store.address, "state = 'idle in transaction'"), 1);
      await tx.native.query("SELECT 1");
    });
    await rejects(work, { code: "UNAVAILABLE", executed: "no" });
    deepEqual(await store.outbox.read([3], [], 10), []);
  });

  for (const [how, append] of [
    ["by itself", false],
    ["with its last statement", true],
  ] as const)
    void test(`a connection that is lost while it commits, ${how}: nobody knows`, async () => {
      await using store = await migrated();
      await using admin = postgres(`postgres://postgres@${store.address.slice(11)}`);
      // Its commit waits for a lock, so that it can be struck right there.
      await store.transaction(async ({ native }) => {
        await native.query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$`);
        await native.query(`CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON trunkline_outbox
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`);
      });
      await admin.transaction(async ({ native }) => {
        await native.query("SELECT pg_advisory_xact_lock(7)");
        const work = store.transaction(async (tx) => {
          if (append) tx.beforeCommit(() => store.outbox.append!(tx, [row]));
          else await store.outbox.insert(tx, [row]);
        });
        const told = rejects(work, { code: "UNAVAILABLE", executed: "maybe" });
        while ((await kill(store.address, "wait_event = 'advisory'")) === 0);
        await told;
      });
    });

  void test("what is written when the connections of the pool were lost gets a new one", async () => {
    await using store = await migrated();
    await kill(store.address, "true");
    for (let done = false; !done;)
      done = await store
        .transaction((tx) => store.outbox.insert(tx, [row]))
        .then(
          () => true,
          () => false,
        );
    equal((await store.outbox.read([3], [], 10)).length, 1);
  });

  void test("OB-9: who listens makes a lost connection again, and hears that he may have missed something", async () => {
    await using store = await migrated();
    let heard = Promise.withResolvers<void>();
    const listening = await store.listen(() => heard.resolve());
    equal(await kill(store.address, "query LIKE 'LISTEN%'"), 1);
    await heard.promise;
    heard = Promise.withResolvers();
    store.hint();
    await heard.promise;
    await listening.close();
  });

  void test("a database that is not there is told", async () => {
    await using store = postgres((await databases.fresh()).replace(/\/\w+$/, "/nothing"));
    await rejects(store.outbox.oldestMs(), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /cannot be reached: database "nothing" does not exist/,
    });
  });
});
