import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { trial } from "./trial.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-store-"));
after(() => rmSync(folder, { recursive: true }));

test("status ends with 8 while tables are missing, and migrate makes them, once", async () => {
  const address = `sqlite:${join(folder, "a.db")}`;
  const before = await trial(["store", "status", address]);
  deepEqual([before.code, before.err], [8, ""]);
  match(before.out, /migrations missing\n {2}0001-outbox +missing\n/);
  const first = await trial(["store", "migrate", address]);
  equal(first.code, 0);
  match(first.out, /all tables are there\n {2}0001-outbox +\d{4}-.* just now\n/);
  const again = JSON.parse((await trial(["store", "migrate", address, "--json"])).out);
  deepEqual([again.ok, again.ran], [true, []]);
  equal((await trial(["store", "status", address])).code, 0);
});

test("the SQL that --sql prints can be run by hand, and is known then", async () => {
  const path = join(folder, "b.db");
  const { code, out } = await trial(["store", "migrate", `sqlite:${path}`, "--sql"]);
  equal(code, 0);
  const database = new DatabaseSync(path);
  database.exec(out);
  database.close();
  const status = await trial(["store", "status", `sqlite:${path}`]);
  equal(status.code, 0);
  match(status.out, /0001-outbox +run by hand\n/);
  equal((await trial(["store", "migrate", `sqlite:${path}`, "--sql"])).out, "");
});

test("what names no database, no act, or a place that is not there is refused", async () => {
  equal((await trial(["store", "status", "amqp://localhost"])).code, 4);
  equal((await trial(["store", "drop", "sqlite:./x.db"])).code, 2);
  const { code, err } = await trial(["store", "status", `sqlite:${folder}/no/such.db`]);
  equal(code, 4);
  match(err, /cannot be reached: unable to open database file/);
});
