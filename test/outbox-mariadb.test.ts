// An outbox and an inbox in a real MariaDB: killed in traffic, and restored from a dump that was taken in traffic (OB-12). What was
// committed has its effect once, and in its order.
import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "mysql2/promise";
import { bind, chassis, contract, event, on, type Chassis } from "trunkline";
import { memoryBroker } from "trunkline/broker/memory";
import { outbox, type Store } from "trunkline/store";
import { mysql } from "trunkline/store/mysql";
import * as z from "zod";
import { printed } from "../scripts/servers/command.ts";
import { missing } from "../scripts/servers/for-tests.ts";
import { mariadb, ownMariadb } from "../scripts/servers/mariadb.ts";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  { sold: event({ data: z.object({ id: z.string(), item: z.string() }), key: "item" }) },
);
const bindings = [bind(Shop.sold, { groups: ["books"] })];
const relay = { lease: "1s" } as const;
const items = ["kettle", "pan", "spoon"];

type Broker = ReturnType<typeof memoryBroker>;

const numbered = (name: string): string =>
  `CREATE TABLE ${name} (seq bigint AUTO_INCREMENT PRIMARY KEY, id varchar(100) NOT NULL, item varchar(20) NOT NULL)`;

async function storeAt(address: string, table?: string): Promise<Store<Connection>> {
  const store = mysql(address);
  await store.migrate();
  if (table !== undefined) await store.transaction(({ native }) => native.query(numbered(table)));
  return store;
}

/** Sells as quickly as it can, whatever fails meanwhile. Sales of an item are numbered by how many there were. */
function shopAt(store: Store<Connection>, life: string): { close(): Promise<void> } {
  const box = outbox(store, { name: "shop", bindings });
  let open = true;
  const sell = (item: string): Promise<void> =>
    box.transaction(async ({ tx, publish }) => {
      const [rows] = await tx.query("SELECT COUNT(*) AS count FROM sale WHERE item = ?", [item]);
      const [{ count }] = rows as [{ count: number }];
      const id = `${item}/${count + 1}/${life}`;
      await tx.query("INSERT INTO sale (id, item) VALUES (?, ?)", [id, item]);
      await publish(Shop.sold, { id, item }, { id });
    });
  const selling = (async () => {
    for (let sales = 0; open; sales++)
      await sell(items[sales % items.length]!).catch(() => pause(20));
  })();
  return {
    async close() {
      open = false;
      await selling;
    },
  };
}

function booksAt(store: Store<Connection>, messages: Broker): Promise<Chassis> {
  return chassis({
    ...{ name: "books", messages, bindings, signals: false, relay: false },
    serve: [
      on(Shop.sold, { group: "books", store, from: "first" }, async ({ id, item }, { tx }) => {
        await tx.query("INSERT INTO entry (id, item) VALUES (?, ?)", [id, item]);
      }),
    ],
  });
}

async function idsOf(store: Store<Connection>, table: string): Promise<string[]> {
  return store.transaction(async ({ native }) => {
    const [rows] = await native.query(`SELECT id FROM ${table} ORDER BY seq`);
    return (rows as { id: string }[]).map(({ id }) => id);
  });
}

const byItem = (ids: readonly string[]): string[][] =>
  items.map((item) => ids.filter((id) => id.startsWith(`${item}/`)));

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await pause(20);
}

suite("an outbox in a real MariaDB", { skip: missing(mariadb) ?? false }, () => {
  test(
    "OB-4: a server that is killed in traffic keeps rows and leases, and everything has its effect once",
    { timeout: 120_000 },
    async () => {
      await using stack = new AsyncDisposableStack();
      const databases = stack.use(await ownMariadb());
      const store = stack.use(await storeAt(await databases.fresh(), "sale"));
      await store.transaction(({ native }) => native.query(numbered("entry")));
      const broker = stack.use(memoryBroker());
      stack.use(await booksAt(store, broker));
      stack.use(await chassis({ name: "shop", messages: broker, store, relay, signals: false }));
      const shop = shopAt(store, "life");
      for (let kills = 1; kills <= 2; kills++) {
        await until(async () => (await idsOf(store, "entry")).length > kills * 15);
        await databases.server.kill();
        await databases.server.restart();
      }
      await until(async () => (await idsOf(store, "entry")).length > 60);
      await shop.close();
      const sold = await idsOf(store, "sale");
      await until(async () => (await idsOf(store, "entry")).length >= sold.length);
      deepEqual(byItem(await idsOf(store, "entry")), byItem(sold));
      await until(async () => (await store.outbox.status(0)).pending === 0);
      equal((await store.outbox.status(0)).dead, 0);
    },
  );

  test(
    "OB-12: whoever goes on from a dump that was taken in traffic loses and doubles nothing",
    { timeout: 120_000 },
    async () => {
      await using stack = new AsyncDisposableStack();
      const databases = stack.use(await ownMariadb({ fsync: false }));
      const address = await databases.fresh();
      const original = stack.use(await storeAt(address, "sale"));
      const books = stack.use(await storeAt(await databases.fresh(), "entry"));
      const broker = stack.use(memoryBroker());
      stack.use(await booksAt(books, broker));
      // What the first relay publishes is delivered, and it never hears so: all of it stands in the dump.
      const seller = await chassis({
        ...{ name: "shop", messages: mute(broker), store: original, relay, signals: false },
      });
      const shop = shopAt(original, "first");
      await until(async () => (await idsOf(books, "entry")).length > 20);
      const dump = await printed("mariadb-dump", [
        ...["--no-defaults", "-h", "127.0.0.1", "-P", String(databases.port), "-u", "root"],
        ...["--single-transaction", address.split("/").at(-1)!],
      ]);
      await shop.close();
      await seller.stop({ force: true });

      const fresh = stack.use(await ownMariadb({ fsync: false }));
      const restored = await fresh.fresh();
      await fresh.run(dump, restored.split("/").at(-1));
      const copy = stack.use(await storeAt(restored));
      const { length: before } = await idsOf(copy, "sale");
      ok((await copy.outbox.status(0)).pending > 20, "nothing was pending in the dump");
      stack.use(
        await chassis({ name: "shop", messages: broker, store: copy, relay, signals: false }),
      );
      const again = shopAt(copy, "second");
      await until(async () => (await idsOf(copy, "sale")).length > before + 20);
      await again.close();
      await until(async () => (await copy.outbox.status(0)).pending === 0);
      const sold = await idsOf(copy, "sale");
      const entered = async (): Promise<string[]> => {
        const all = await idsOf(books, "entry");
        // What was sold in the original after the dump was taken was never sold.
        return all.filter((id) => id.endsWith("second") || sold.includes(id));
      };
      await until(async () => new Set(await entered()).size >= sold.length);
      deepEqual(byItem(await entered()), byItem(sold));
    },
  );
});

/** A broker that does what it is told, and whose connection is lost before it can say so. */
function mute(broker: Broker): Broker {
  return new Proxy(broker, {
    get(of, name): unknown {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, of, args);
        if (name === "publish") throw new Error("the connection was lost");
        return result;
      };
    },
  });
}
