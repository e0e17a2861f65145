import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createPool, type Connection, type Pool } from "mysql2/promise";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missingMysql, mysqlUnderTest } from "../../../scripts/servers/mysql-for-tests.ts";
import { uuidv7 } from "../../base/id.ts";
import { realEnv } from "../../base/real-env.ts";
import { leaseShares, type Lease, type NewOutboxRow, type RowName } from "../outbox-rows.ts";
import type { Store } from "../store.ts";
import { mysql } from "./index.ts";

const shares = Array.from({ length: leaseShares }, (_, share) => share);

/** One that waits for a lock of somebody else fails after a second, as a conflict. */
const settings = { "innodb-lock-wait-timeout": 1 };

suite("locks in a real MariaDB", { skip: missingMysql() ?? false }, () => {
  let databases: OwnDatabases;
  before(async () => {
    databases = await mysqlUnderTest({ fsync: false, settings });
  });
  after(() => databases[Symbol.asyncDispose]());

  interface Scene {
    readonly store: Store<Connection>;
    readonly pool: Pool;
    readonly leases: readonly Lease[];
  }

  /** An empty outbox, and a relay that has all lanes. */
  async function scene(act: (scene: Scene) => Promise<void>): Promise<void> {
    const pool = createPool({ uri: await databases.fresh(), connectionLimit: 5 });
    const store = mysql(pool);
    try {
      await store.migrate();
      const { leases } = await store.outbox.keep("relay", 60_000, []);
      await act({ store, pool, leases });
    } finally {
      await pool.end();
    }
  }

  let made = 0;
  function row(lane: number): NewOutboxRow {
    made++;
    return {
      id: uuidv7(realEnv()),
      lane,
      key: `key-${lane}`,
      channel: "{}",
      head: "{}",
      data: Buffer.from(String(made)),
      notBefore: undefined,
    };
  }

  async function written(store: Store, lanes: readonly number[]): Promise<RowName[]> {
    await store.transaction((tx) => store.outbox.insert(tx, lanes.map(row)));
    return store.outbox.read(shares, [], 1_000);
  }

  /** While somebody's transaction is open, at the isolation of the server, that has written a row and changed another. */
  async function besideOpen(
    { pool, store }: Scene,
    lane: number,
    act: () => Promise<void>,
  ): Promise<void> {
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await store.outbox.insert(store.adopt(connection), [row(lane)]);
    await act();
    await connection.rollback();
    connection.release();
  }

  test("OB-6: a relay takes out what it has published while a transaction that has written is open", async () => {
    await scene(async (all) => {
      const rows = await written(all.store, [1, 2, 3, 280]);
      await besideOpen(all, 1, async () => {
        assert.equal(await all.store.outbox.remove(all.leases, rows), 4);
        assert.equal(await all.store.outbox.oldestMs(), 0);
      });
    });
  });

  test("OB-7: a relay gives rows up while a transaction that has written is open", async () => {
    await scene(async (all) => {
      const { outbox } = all.store;
      const [first, second, third] = await written(all.store, [1, 1, 2]);
      await besideOpen(all, 1, async () => {
        assert.equal(await outbox.refused(all.leases, first!), 1);
        assert.equal(await outbox.bury(all.leases, [first!], "no", "first"), 1);
        assert.equal(await outbox.bury(all.leases, [second!, third!], "no", "follows"), 1);
      });
      assert.equal(await outbox.redrive({ key: "key-1" }), 2);
    });
  });

  test("OB-3: who writes in some lanes waits for those who have one of them, and for nobody else", async () => {
    await scene(async ({ store, pool }) => {
      const connection = await pool.getConnection();
      await connection.beginTransaction();
      await store.outbox.lock(store.adopt(connection), [5]);
      const others = Array.from({ length: 256 }, (_, lane) => lane).filter((lane) => lane !== 5);
      await store.transaction((tx) => store.outbox.lock(tx, others));
      await assert.rejects(
        store.transaction((tx) => store.outbox.lock(tx, [4, 5, 6])),
        { code: "UNAVAILABLE", executed: "no", gate: "conflict" },
      );
      await connection.rollback();
      connection.release();
      await store.transaction((tx) => store.outbox.lock(tx, [4, 5, 6]));
    });
  });

  test("OB-3: who waits for a lane holds up nobody else, and draws his number when he has it", async () => {
    await scene(async ({ store, pool }) => {
      const { outbox } = store;
      const append = (lane: number) => store.transaction((tx) => outbox.append!(tx, [row(lane)]));
      const connection = await pool.getConnection();
      await connection.beginTransaction();
      await outbox.lock(store.adopt(connection), [5]);
      const waiting = append(5);
      await lockWaited(pool);
      await append(6);
      await append(260);
      await connection.rollback();
      connection.release();
      await waiting;
      const rows = await outbox.read(shares, [], 10);
      assert.deepEqual(
        rows.map(({ lane }) => lane),
        [6, 260, 5],
      );
    });
  });

  test("OB-3: where the row of a lane is lost, what is published there is refused", async () => {
    await scene(async ({ store, pool }) => {
      const { outbox } = store;
      await pool.query("DELETE FROM trunkline_outbox_lane WHERE lane = 5");
      const refusal = { code: "INTERNAL", executed: "no", reason: /trunkline_outbox_lane/ };
      for (const lanes of [[5], [4, 5]])
        await assert.rejects(
          store.transaction((tx) => outbox.append!(tx, lanes.map(row))),
          refusal,
        );
      assert.equal((await outbox.status(0)).pending, 0);
    });
  });

  test("OB-3: transactions at REPEATABLE READ that write in lanes of several keys do not wait in a circle", async () => {
    await scene(async ({ store, pool }) => {
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        const connection = await pool.getConnection();
        for (let round = 0; round < 20; round++) {
          await connection.beginTransaction();
          const tx = store.adopt(connection);
          const lanes = [1, 2, 3, 4].filter((lane) => (lane + round + writer) % 3 > 0);
          await store.outbox.lock(tx, lanes);
          await store.outbox.insert(tx, lanes.map(row));
          await connection.commit();
        }
        connection.release();
      });
      await Promise.all(writers);
    });
  });

  test("IN-4: marks are purged while handlers are at work", async () => {
    await scene(async ({ store }) => {
      const marked = (message: string) =>
        store.transaction((tx) => store.inbox.mark(tx, { consumer: "c", message }));
      await Promise.all(["a", "b"].map(marked));
      await store.transaction(async (tx) => {
        await store.inbox.mark(tx, { consumer: "c", message: "aa" });
        await store.keys.claimIn(tx, "key", "input");
        assert.equal(await store.inbox.purge(-60_000, 10), 2);
        assert.equal(await store.keys.purge(-60_000, 10), 0);
      });
      assert.equal(await store.inbox.purge(-60_000, 10), 1);
      assert.equal(await store.keys.purge(-60_000, 10), 1);
    });
  });

  test("ids that differ in their case, an accent or a space at the end are different ones", async () => {
    await scene(async ({ store }) => {
      const texts = ["a", "A", "ä", "a ", " a", "a\u0301", "a\u0000", "", "🦊"];
      for (const message of texts)
        await store.transaction(async (tx) => {
          const known = await store.inbox.mark(tx, { consumer: "c", message });
          assert.equal(known, undefined, JSON.stringify(message));
        });
    });
  });

  test("OB-8: a read looks at the beginning of lanes, however much stands behind it", async () => {
    const address = await databases.fresh();
    const pool = createPool({ uri: address, connectionLimit: 1 });
    const store = mysql(pool);
    await store.migrate();
    const lanes = Array.from({ length: 500 }, (_, index) => index % 3);
    for (let round = 0; round < 40; round++)
      await store.transaction((tx) => store.outbox.insert(tx, lanes.map(row)));
    const looksBefore = await looked(pool);
    assert.ok((await store.outbox.read(shares, [], 100)).length >= 3);
    await store.outbox.oldestMs();
    const looks = (await looked(pool)) - looksBefore;
    await pool.end();
    // Of 20,000 rows; much of it is the lanes and the rows that are made on the way.
    assert.ok(looks < 10_000, `${looks} looks`);
  });

  /** Resolves when some transaction waits for a row. */
  async function lockWaited(pool: Pool): Promise<void> {
    for (;;) {
      const [rows] = await pool.query("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'");
      if (Number((rows as [{ Value: string }])[0].Value) > 0) return;
    }
  }

  /** How many rows were looked at in this session. */
  async function looked(pool: Pool): Promise<number> {
    const [rows] = await pool.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return (rows as { Value: string }[]).reduce((sum, each) => sum + Number(each.Value), 0);
  }
});
