// A message that comes twice is handled once: its mark, its effects and what it publishes are one transaction of Kysely.
import { Kysely, SqliteDialect, sql } from "kysely";
import { bind, chassis, client, on } from "trunkline";
import { kysely } from "trunkline/store/kysely";
import { nodeSqlite } from "./node-sqlite.ts";
import { Payments } from "./payments.contract.ts";

interface Tables {
  readonly account: { readonly id: string; readonly cents: number };
}

await using db = new Kysely<Tables>({
  dialect: new SqliteDialect({ database: nodeSqlite("./bank.db") }),
});
const store = kysely(db);
await store.migrate(); // the tables of inbox and outbox, beside your own
await sql`CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)`.execute(db);
await db.insertInto("account").values({ id: "a-7", cents: 1_000 }).execute();

const letter = Promise.withResolvers<string>();
await using _bank = await chassis({
  name: "bank",
  messages: "memory:",
  serve: [
    on(Payments.due, { group: "bank", store }, async ({ account, cents }, { tx, publish }) => {
      await tx // a `Transaction<Tables>`
        .updateTable("account")
        .set({ cents: sql`cents - ${cents}` })
        .where("id", "=", account)
        .execute();
      await publish(Payments.charged, { account, cents });
      console.log(`charging ${cents}`);
    }),
    on(Payments.charged, { group: "letters" }, ({ account, cents }) => {
      letter.resolve(`a letter to ${account}: ${cents} were charged`);
    }),
  ],
});

await using payments = client(Payments, "memory:payments", {
  messages: "memory:",
  bindings: [bind(Payments.due, { groups: ["bank"] })],
});
for (const time of ["first", "second"]) {
  await payments.due({ account: "a-7", cents: 300 }, { id: "p-17", receipt: "handled" });
  console.log(`the ${time} time: handled`);
}
console.log(await letter.promise);
const left = await db.selectFrom("account").select("cents").executeTakeFirstOrThrow();
console.log(`${left.cents} are left`);
