import { setTimeout as pause } from "node:timers/promises";
import { run, runMigrations } from "graphile-worker";
import PgBoss from "pg-boss";
import { Database, insertOrder, type Order, type Peer, type PeerMaker } from "./peer.ts";

/** Jobs or rows that are taken at once, by everybody. */
const batch = 500;
/** With nothing there it is looked again after so long, by those who let one choose. */
const emptyMs = 10;
/** Who takes jobs one by one takes so many at once. */
const concurrency = 16;

/** The user's own row, and no message. */
export const bare: PeerMaker = async (address) => {
  const database = await Database.open(address);
  return {
    ...counted(database),
    transact: (order) => database.transaction((client) => insertOrder(client, order)),
    consume: async () => async () => {},
  };
};

function counted(database: Database): Pick<Peer, "count" | "clear"> {
  return { count: () => database.count(), clear: () => database.clear() };
}

/**
 * pg-boss 10: `send` by the user's transaction. Its workers pause for half a second at least; we have it fetch and complete without
 * any pause instead, in batches, by two at once, which is the quickest that it can be used.
 */
export const boss: PeerMaker = async (address) => {
  const its = new PgBoss({ connectionString: address, max: 4, supervise: false, schedule: false });
  its.on("error", () => {});
  await its.start();
  await its.createQueue("orders");
  const database = await Database.open(address, "pgboss.job");
  return {
    ...counted(database),
    transact: (order) =>
      database.transaction(async (client) => {
        await insertOrder(client, order);
        const db = { executeSql: (text: string, values: unknown[]) => client.query(text, values) };
        await its.send("orders", order, { db });
      }),
    consume: async (heard) => {
      let ending = false;
      const lane = async (): Promise<void> => {
        while (!ending) {
          const jobs = (await its.fetch<Order>("orders", { batchSize: batch })) ?? [];
          for (const { data } of jobs) heard(data);
          if (jobs.length === 0) await pause(emptyMs);
          else
            await its.complete(
              "orders",
              jobs.map(({ id }) => id),
            );
        }
      };
      const lanes = Promise.all([lane(), lane()]);
      return async () => {
        ending = true;
        await lanes;
      };
    },
    claim: async (limit) => {
      const at = performance.now();
      const jobs = (await its.fetch<Order>("orders", { batchSize: limit })) ?? [];
      const ms = performance.now() - at;
      if (jobs.length > 0)
        await its.complete(
          "orders",
          jobs.map(({ id }) => id),
        );
      return ms;
    },
  };
};

/** graphile-worker 0.17: `add_job` in the user's transaction, and its local queue and batches of completions, as its page on speed advises. */
export const graphile: PeerMaker = async (address) => {
  await runMigrations({ connectionString: address });
  const database = await Database.open(address, "graphile_worker._private_jobs");
  return {
    ...counted(database),
    transact: (order) =>
      database.transaction(async (client) => {
        await insertOrder(client, order);
        await client.query("SELECT graphile_worker.add_job('order', $1)", [order]);
      }),
    consume: async (heard) => {
      const runner = await run({
        connectionString: address,
        concurrency,
        noHandleSignals: true,
        logger: silent,
        taskList: { order: async (order) => heard(order as Order) },
        preset: {
          worker: {
            concurrentJobs: concurrency,
            maxPoolSize: concurrency,
            localQueue: { size: batch },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      });
      return () => runner.stop();
    },
  };
};

/** What many write first: a table with a serial number, and a poller who remembers the last one that it has seen. */
export const naive: PeerMaker = async (address) => {
  const database = await Database.open(address, "naive_outbox");
  await database.pool.query(
    "CREATE TABLE IF NOT EXISTS naive_outbox (id bigserial PRIMARY KEY, key text, data jsonb NOT NULL)",
  );
  return {
    ...counted(database),
    transact: (order) =>
      database.transaction(async (client) => {
        await insertOrder(client, order);
        await client.query("INSERT INTO naive_outbox (key, data) VALUES ($1, $2)", [
          order.id,
          order,
        ]);
      }),
    consume: async (heard) => naivePoller(database, heard),
  };
};

async function naivePoller(
  { pool }: Database,
  heard: (order: Order) => void,
): ReturnType<Peer["consume"]> {
  let ending = false;
  let last = 0;
  const loop = (async () => {
    while (!ending) {
      const { rows } = await pool.query<{ id: string; data: Order }>(
        `SELECT id, data FROM naive_outbox WHERE id > $1 ORDER BY id LIMIT ${batch}`,
        [last],
      );
      for (const { data } of rows) heard(data);
      if (rows.length > 0) last = Number(rows.at(-1)!.id);
      else await pause(emptyMs);
    }
  })();
  return async () => {
    ending = true;
    await loop;
  };
}

const nothing = (): void => {};
const silentScope = { error: nothing, warn: nothing, info: nothing, debug: nothing };
const silent = { ...silentScope, scope: () => silent } as never;
