import { deepEqual, equal, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { command } from "../../contract/command.ts";
import { contract } from "../../contract/contract.ts";
import { document } from "../../contract/document.ts";
import { event } from "../../contract/event.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { Store } from "../../store/store.ts";
import { outbox, type Outbox } from "./outbox.ts";
import { publishIn } from "./publish-in.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string() }), key: "id" }),
    print: document({ data: z.object({ page: z.int() }) }),
    ship: command({ in: z.object({ id: z.string() }), key: "id" }),
    name: event({ data: z.string() }),
  },
);

async function stand(t: TestContext): Promise<{
  readonly path: string;
  readonly db: Store<DatabaseSync>;
  readonly box: Outbox<DatabaseSync>;
  readonly ids: () => Promise<string[]>;
}> {
  const folder = mkdtempSync(join(tmpdir(), "outbox-"));
  const path = join(folder, "data.db");
  const db = sqlite(path);
  t.after(async () => {
    await db.close();
    rmSync(folder, { recursive: true });
  });
  await db.migrate();
  const shares = Array.from({ length: 32 }, (_, share) => share);
  const ids = async (): Promise<string[]> =>
    (await db.outbox.read(shares, [], 1_000)).map(({ id }) => id).toSorted();
  return { path, db, box: outbox(db, { name: "shop" }), ids };
}

test("OB-1: without a transaction nothing is published, directly or otherwise", async (t) => {
  const { box, ids } = await stand(t);
  for (const nothing of [undefined, null])
    await rejects(box.publish(nothing as never, Orders.placed, { id: "1" }), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      advice: /give the transaction of your client/,
    });
  deepEqual(await ids(), []);
});

test("OB-1: what is published is there when the transaction is, and not before", async (t) => {
  const { box, ids } = await stand(t);
  await box.transaction(async ({ publish }) => {
    await publish(Orders.placed, { id: "1" }, { id: "first" });
    deepEqual(await ids(), []);
  });
  deepEqual(await ids(), ["first"]);
  const changed = new Error("no");
  await rejects(
    box.transaction(async ({ publish }) => {
      await publish(Orders.placed, { id: "1" }, { id: "second" });
      throw changed;
    }),
    (error) => error === changed,
  );
  deepEqual(await ids(), ["first"]);
});

test("OB-3: in a transaction of the store messages are written as its last statements", async (t) => {
  const { db, box } = await stand(t);
  const seen: string[] = [];
  await db.transaction(async (tx) => {
    const rows = (): number =>
      Number(tx.native.prepare("SELECT count(*) AS n FROM trunkline_outbox").get()!["n"]);
    await box.publish(tx.native, Orders.placed, { id: "1" });
    await box.publish(tx.native, Orders.placed, { id: "2" });
    seen.push(`while it works ${rows()}`);
    tx.beforeCommit(async () => void seen.push(`before the commit ${rows()}`));
  });
  deepEqual(seen, ["while it works 0", "before the commit 2"]);
});

test("a transaction that the user's own client has begun, and commits, is published in as well", async (t) => {
  const { path, ids } = await stand(t);
  const own = new DatabaseSync(path);
  const box = outbox(sqlite(own), { name: "shop" });
  own.exec("CREATE TABLE orders (id TEXT); BEGIN");
  own.exec("INSERT INTO orders VALUES ('1')");
  await box.publish(own, Orders.placed, { id: "1" }, { id: "kept" });
  own.exec("COMMIT; BEGIN");
  await box.publish(own, Orders.placed, { id: "2" }, { id: "gone" });
  own.exec("ROLLBACK");
  deepEqual(await ids(), ["kept"]);
  await rejects(box.publish(own, Orders.placed, { id: "3" }), { code: "INVALID_ARGUMENT" });
  await box.store.close();
  own.close();
});

test("what does not match its contract is refused in the transaction, where something can still be done", async (t) => {
  const { box, ids } = await stand(t);
  await box.transaction(async ({ publish }) => {
    await rejects(publish(Orders.placed, { id: 1 as never }), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      operation: "orders.placed",
    });
    await publish(Orders.print, { page: 1 }, { id: "page" });
    await publish(Orders.ship, { id: "1" }, { id: "shipment" });
  });
  deepEqual(await ids(), ["page", "shipment"]);
});

test("a handler's publish has the messages of its own contract as methods, whatever they are called", async (t) => {
  const { db, box, ids } = await stand(t);
  await db.transaction(async (tx) => {
    const publish = publishIn(box, tx, Orders) as never as {
      (operation: unknown, data: unknown, options: object): Promise<unknown>;
      placed(data: unknown, options: object): Promise<unknown>;
      name(data: unknown, options: object): Promise<unknown>;
      ship(data: unknown): Promise<unknown>;
    };
    await publish(Orders.placed, { id: "1" }, { id: "by function" });
    await publish.placed({ id: "1" }, { id: "by method" });
    await publish.name("x", { id: "name" });
    await rejects(publish.ship({ id: "1" }), { code: "UNIMPLEMENTED", executed: "no" });
  });
  equal((await ids()).join(), "by function,by method,name");
});
