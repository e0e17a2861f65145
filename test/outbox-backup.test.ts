// A database in a file is copied while it is written to, and everybody goes on from the copy: what was committed in it has its effect
// once, whether or not it was published from the original before (OB-12).
import { deepEqual, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { bind, chassis, contract, event, on } from "trunkline";
import { memoryBroker } from "trunkline/broker/memory";
import { outbox, type Store } from "trunkline/store";
import { sqlite } from "trunkline/store/sqlite";
import * as z from "zod";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  {
    sold: event({ data: z.object({ id: z.string(), item: z.string() }), key: "item" }),
  },
);
const bindings = [bind(Shop.sold, { groups: ["books"] })];
/** In the copy it still runs. */
const relay = { lease: "1s" } as const;
const items = ["kettle", "pan", "spoon"];

/** A shop that sells as quickly as it can, one sale after the other. Sales of an item are numbered. */
function shopAt(store: Store<DatabaseSync>, life: string): { close(): Promise<void> } {
  const box = outbox(store, { name: "shop", bindings });
  let open = true;
  const selling = (async () => {
    for (let sales = 0; open; sales++) {
      await box.transaction(async ({ tx, publish }) => {
        const item = items[sales % items.length]!;
        const sold = tx.prepare("select count(*) as count from sale where item = ?").get(item)!;
        const id = `${item}/${Number(sold["count"]) + 1}/${life}`;
        tx.prepare("insert into sale (id, item) values (?, ?)").run(id, item);
        await publish(Shop.sold, { id, item }, { id });
      });
      await new Promise((resolve) => void setImmediate(resolve));
    }
  })();
  return {
    async close() {
      open = false;
      await selling;
    },
  };
}

test("OB-12: whoever goes on from a copy that was taken in traffic loses and doubles nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-copy-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const storeAt = async (name: string, table?: string): Promise<Store<DatabaseSync>> => {
    const store = stack.use(sqlite(join(folder, name)));
    await store.migrate();
    if (table !== undefined) await store.transaction(async ({ native }) => native.exec(table));
    return store;
  };
  const original = await storeAt("shop.db", "create table sale (id text primary key, item text)");
  const books = await storeAt("books.db", "create table entry (seq integer primary key, id text)");
  const broker = stack.use(memoryBroker());
  stack.use(
    await chassis({
      ...{ name: "books", messages: broker, bindings, signals: false },
      serve: [
        on(Shop.sold, { group: "books", store: books, from: "first" }, ({ id }, { tx }) => {
          tx.prepare("insert into entry (id) values (?)").run(id);
        }),
      ],
    }),
  );
  // What the first relay publishes is delivered, and it never hears so: all of it stands in the copy.
  const mute = new Proxy(broker, {
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
  const seller = await chassis({
    name: "shop",
    messages: mute,
    store: original,
    relay,
    signals: false,
  });
  const shop = shopAt(original, "first");
  await until(async () => (await idsOf(books, entries)).length > 20);
  const source = new DatabaseSync(join(folder, "shop.db"), { readOnly: true });
  await backup(source, join(folder, "copy.db"));
  source.close();
  await shop.close();
  await seller.stop({ force: true });

  const copy = await storeAt("copy.db");
  const { length: before } = await idsOf(copy, sales);
  ok((await copy.outbox.status(0)).pending > 20, "nothing was pending in the copy");
  stack.use(await chassis({ name: "shop", messages: broker, store: copy, relay, signals: false }));
  const again = shopAt(copy, "second");
  await until(async () => (await idsOf(copy, sales)).length > before + 20);
  await again.close();
  await until(async () => (await copy.outbox.status(0)).pending === 0);
  const sold = await idsOf(copy, sales);
  const entered = async (): Promise<string[]> => {
    const all = await idsOf(books, entries);
    // What was sold in the original after the copy was taken was never sold.
    return all.filter((id) => id.endsWith("second") || sold.includes(id));
  };
  await until(async () => new Set(await entered()).size >= sold.length);
  const byItem = (ids: readonly string[]): string[][] =>
    items.map((item) => ids.filter((id) => id.startsWith(`${item}/`)));
  deepEqual(byItem(await entered()), byItem(sold));
});

const sales = "select id from sale order by rowid";
const entries = "select id from entry order by seq";

function idsOf(store: Store<DatabaseSync>, sql: string): Promise<string[]> {
  return store.transaction(async ({ native }) =>
    native
      .prepare(sql)
      .all()
      .map(({ id }) => String(id)),
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(10);
}
