import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createPool as createCallbackPool } from "mysql2";
import { createPool, type Pool, type PoolOptions } from "mysql2/promise";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missingMysql, mysqlUnderTest } from "../../../scripts/servers/mysql-for-tests.ts";
import { mysql } from "./index.ts";
import { Mysql2Driver } from "./mysql2-driver.ts";

suite("mysql2 with a real server", { skip: missingMysql() ?? false }, () => {
  let databases: OwnDatabases;
  let address: string;
  before(async () => {
    databases = await mysqlUnderTest({ fsync: false });
    address = await databases.fresh();
  });
  after(() => databases[Symbol.asyncDispose]());

  async function withPool<T>(
    options: PoolOptions,
    act: (pool: Pool, driver: Mysql2Driver) => Promise<T>,
  ): Promise<T> {
    const pool = createPool({ uri: address, ...options });
    try {
      return await act(pool, new Mysql2Driver(pool, false));
    } finally {
      await pool.end();
    }
  }

  const texts = [
    "plain",
    "it's",
    "a\\'b\\",
    '{"a":"\\"ü\\n"}',
    "% _ ? $1",
    "\u0000\n\r\u001a",
    "🦊 ",
  ];

  for (const mode of ["STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES", "ANSI"])
    test(`writes and reads every text in the SQL mode ${mode}`, async () => {
      await withPool({}, async (_, driver) => {
        await driver.transaction(async (native) => {
          await native.query(`SET SESSION sql_mode = '${mode}'`);
          for (const text of texts) {
            const { rows } = await driver.run(native, "SELECT ? AS text, LENGTH(?) AS bytes", [
              text,
              text,
            ]);
            assert.deepEqual({ ...rows[0] }, { text, bytes: Buffer.byteLength(text) });
          }
          await native.query("SET SESSION sql_mode = DEFAULT");
        });
      });
    });

  const odd: Readonly<Record<string, PoolOptions>> = {
    "numbers as text": { supportBigNumbers: true, bigNumberStrings: true },
    "rows as arrays": { rowsAsArray: true },
    "nested tables": { nestTables: true },
    "named places": { namedPlaceholders: true },
    "a cast of everything": { typeCast: (field) => `cast ${field.string()}` },
  };
  for (const [name, options] of Object.entries(odd))
    test(`reads the same from a pool that gives ${name}`, async () => {
      await withPool(options, async (_, driver) => {
        const statement =
          "SELECT CAST(? AS SIGNED) AS number, ? AS text, CAST(? AS BINARY) AS bytes, SUM(?) AS sum, NULL AS nothing";
        const values = [2 ** 53 - 1, "x", Buffer.from([0, 255]), 7] as const;
        const { rows } = await driver.query(statement, values);
        const [row] = rows;
        assert.equal(row?.["number"], 2 ** 53 - 1);
        assert.equal(row["text"], "x");
        assert.deepEqual(row["bytes"], Buffer.from([0, 255]));
        assert.equal(row["sum"], 7);
        assert.equal(row["nothing"], null);
      });
    });

  test("runs transactions at READ COMMITTED, and leaves the session of the user's pool as it was", async () => {
    await withPool({ connectionLimit: 1 }, async (pool, driver) => {
      await pool.query("CREATE TABLE seen (n int PRIMARY KEY) ENGINE = InnoDB");
      const other = createPool({ uri: address });
      await driver.transaction(async (native) => {
        const count = async () =>
          Number((await driver.run(native, "SELECT COUNT(*) AS n FROM seen", [])).rows[0]?.["n"]);
        assert.equal(await count(), 0);
        await other.query("INSERT INTO seen VALUES (1)");
        assert.equal(await count(), 1);
      });
      await other.end();
      const { rows } = await driver
        .query(
          "SELECT variable_value AS level FROM performance_schema.session_variables WHERE variable_name IN ('tx_isolation', 'transaction_isolation')",
          [],
        )
        .catch(() => driver.query("SELECT @@tx_isolation AS level", []));
      assert.equal(rows[0]?.["level"], "REPEATABLE-READ");
    });
  });

  test("takes a connection for a transaction, and neither a pool nor one with callbacks", async () => {
    await withPool({}, async (pool, driver) => {
      const connection = await pool.getConnection();
      assert.equal(driver.owns(connection), true);
      assert.equal(driver.owns(connection.connection), false);
      assert.equal(driver.owns(pool), false);
      assert.equal(driver.owns(pool.pool), false);
      for (const other of [undefined, null, 1, "x", {}]) assert.equal(driver.owns(other), false);
      connection.release();
    });
  });

  test("takes a pool with callbacks, whose transactions can be awaited all the same", async () => {
    const pool = createCallbackPool(address);
    const store = mysql(pool);
    const rows = await store.transaction(async ({ native }) => (await native.query("SELECT 1"))[0]);
    assert.equal((rows as unknown[]).length, 1);
    await store.close();
    await pool.promise().end();
  });

  test("leaves no transaction open in a connection that goes back to its pool", async () => {
    await withPool({ connectionLimit: 1 }, async (pool, driver) => {
      await pool.query("CREATE TABLE left_over (n int PRIMARY KEY) ENGINE = InnoDB");
      const failing = driver.transaction(async (native) => {
        await driver.run(native, "INSERT INTO left_over VALUES (?)", [1]);
        throw new Error("the work has failed");
      });
      await assert.rejects(failing, /the work has failed/);
      await driver.query("INSERT INTO left_over VALUES (?)", [2]);
      const { rows } = await driver.query("SELECT n FROM left_over", []);
      assert.deepEqual(
        rows.map((row) => row["n"]),
        [2],
      );
    });
  });

  test("OB-1: what is inserted in a connection in which no transaction was begun is refused", async () => {
    await withPool({}, async (pool, driver) => {
      await pool.query("CREATE TABLE alone (n int PRIMARY KEY) ENGINE = InnoDB");
      const connection = await pool.getConnection();
      const insert = () => driver.run(connection, "INSERT INTO alone VALUES (?)", [1]);
      await assert.rejects(insert(), { code: "INVALID_ARGUMENT", executed: "no" });
      await connection.beginTransaction();
      await insert();
      await connection.rollback();
      await connection.query("SET autocommit = 0");
      await insert();
      await connection.rollback();
      await connection.query("SET autocommit = 1");
      connection.release();
      const { rows } = await driver.query("SELECT n FROM alone", []);
      assert.equal(rows.length, 0);
    });
  });

  test("a deadlock that is swallowed is the end of the transaction all the same", async () => {
    await withPool({}, async (pool, driver) => {
      await pool.query("CREATE TABLE crossed (n int PRIMARY KEY, v int) ENGINE = InnoDB");
      await pool.query("INSERT INTO crossed VALUES (1, 0), (2, 0)");
      const ends: string[] = [];
      const barrier = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const crossing = async (own: number): Promise<void> => {
        const change = "UPDATE crossed SET v = v + 1 WHERE n = ?";
        ends.push(
          await failureOf(driver, () =>
            driver.transaction(async (native) => {
              await native.query(change, [own]);
              barrier[own - 1]!.resolve();
              await Promise.all(barrier.map(({ promise }) => promise));
              await native.query(change, [3 - own]).catch(() => "swallowed");
              await driver.run(native, "INSERT INTO crossed VALUES (?, 0)", [10 + own]);
            }),
          ),
        );
      };
      await Promise.all([crossing(1), crossing(2)]);
      assert.deepEqual(ends.toSorted(), ["conflict", "none"]);
      const { rows } = await driver.query("SELECT n, v FROM crossed ORDER BY n", []);
      assert.equal(rows.length, 3);
      assert.deepEqual(
        rows.slice(0, 2).map((row) => row["v"]),
        [1, 1],
      );
    });
  });

  test("what fails by itself, and is swallowed, ends nothing", async () => {
    await withPool({}, async (pool, driver) => {
      await pool.query("CREATE TABLE going_on (n int PRIMARY KEY) ENGINE = InnoDB");
      await driver.transaction(async (native) => {
        await driver.run(native, "INSERT INTO going_on VALUES (?)", [1]);
        await native.query("INSERT INTO going_on VALUES (1)").catch(() => "swallowed");
        await driver.run(native, "INSERT INTO going_on VALUES (?)", [2]);
      });
      const { rows } = await driver.query("SELECT n FROM going_on", []);
      assert.equal(rows.length, 2);
    });
  });

  test("tells a deadlock, a killed connection, a missing table and a forbidden one apart", async () => {
    await withPool({}, async (pool, driver) => {
      await pool.query("CREATE TABLE two (n int PRIMARY KEY, v int) ENGINE = InnoDB");
      await pool.query("INSERT INTO two VALUES (1, 0), (2, 0)");
      const change = "UPDATE two SET v = v + 1 WHERE n = ?";
      const failed = await failureOf(driver, () =>
        driver.transaction(async (first) => {
          await driver.run(first, change, [1]);
          await driver.transaction(async (second) => {
            await driver.run(second, change, [2]);
            const crossing = driver.run(first, change, [2]);
            await Promise.all([crossing, driver.run(second, change, [1])]);
          });
        }),
      );
      assert.equal(failed, "conflict");

      const killed = await failureOf(driver, () =>
        driver.transaction(async (native) => {
          await pool.query(`KILL ${native.threadId}`);
          await driver.run(native, change, [1]);
        }),
      );
      assert.equal(killed, "lost");
      assert.equal(
        await failureOf(driver, () => driver.query("SELECT * FROM nowhere", [])),
        "missing",
      );
      assert.equal(await failureOf(driver, () => driver.query("SELEKT", [])), "other");
    });
  });

  test("says that the server is lost when nobody is there", async () => {
    const pool = createPool("mysql://root@127.0.0.1:1/x");
    const driver = new Mysql2Driver(pool, false);
    assert.equal(await failureOf(driver, () => driver.query("SELECT 1", [])), "lost");
    await pool.end();
  });

  async function failureOf(driver: Mysql2Driver, act: () => Promise<unknown>): Promise<string> {
    try {
      await act();
    } catch (error) {
      return driver.failureOf(error);
    }
    return "none";
  }
});
