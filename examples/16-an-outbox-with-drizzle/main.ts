// An order and its message are one transaction of Drizzle: both are there, or neither is. Here SQLite, and PostgreSQL or MySQL the same way.
import Database from "better-sqlite3";
import { sql } from "drizzle-orm";
import { drizzle as drizzleOf } from "drizzle-orm/better-sqlite3";
import { sqliteTable, text } from "drizzle-orm/sqlite-core";
import { chassis, on } from "trunkline";
import { outbox } from "trunkline/store";
import { drizzle } from "trunkline/store/drizzle";
import { Orders } from "./orders.contract.ts";

const order = sqliteTable("order", {
  id: text().primaryKey(),
  customer: text().notNull(),
  item: text().notNull(),
});

const file = new Database("./shop.db");
const db = drizzleOf(file, { schema: { order } });
db.run(sql`CREATE TABLE "order" (id TEXT PRIMARY KEY, customer TEXT NOT NULL, item TEXT NOT NULL)`);

const store = drizzle(db);
await store.migrate(); // the tables of the outbox, beside your own
const box = outbox(store, { name: "shop" });

async function place(id: string, item: string): Promise<void> {
  await box.transaction(async ({ tx, publish }) => {
    const placed = { id, customer: "c-1", item };
    tx.insert(order).values(placed).run(); // `tx` is Drizzle's own
    await publish(Orders.placed, placed);
    if (item === "unobtainium") throw new Error("sold out");
  });
}

await place("o-1", "kettle");
await place("o-2", "unobtainium").catch((error: Error) => console.log(`o-2: ${error.message}`));
await place("o-3", "cup");
console.log(
  `in the books: ${db
    .select()
    .from(order)
    .all()
    .map(({ id }) => id)
    .join(", ")}`,
);

// Nobody has published anything yet. This process does, and so would any other with the same database and a broker.
const both = Promise.withResolvers<void>();
{
  await using _app = await chassis({
    name: "shop",
    messages: "memory:",
    store,
    serve: [
      on(Orders.placed, { group: "billing" }, ({ id, item }) => {
        console.log(`billing ${id}: ${item}`);
        if (id === "o-3") both.resolve();
      }),
    ],
  });
  await both.promise;
}
file.close();
