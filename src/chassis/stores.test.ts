import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { sqlite } from "../store/sqlite/index.ts";
import type { Store } from "../store/store.ts";
import { chassis } from "./chassis.ts";

/** A database in a file, without its tables. */
function shop(t: TestContext): Store {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-stores-"));
  const store: Store = sqlite(join(folder, "shop.db"));
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return store;
}

const own = { name: "shop", signals: false } as const;

test("a process does not start on a database without its tables, and says how to make them", async (t) => {
  const store = shop(t);
  await rejects(
    chassis({ ...own, store }),
    /migrations were not run in sqlite:[^]*trunkline store migrate sqlite:/,
  );
  await store.migrate();
  await using _app = await chassis({ ...own, store });
});

test("what cannot be meant by relay and inbox is said before anything begins, together", async (t) => {
  const store = shop(t);
  await rejects(
    chassis({
      ...own,
      store,
      messages: "memory:",
      relay: { batch: 0 },
      inbox: { retention: "1s" },
    }),
    ({ message }: Error) => {
      match(message, /batch of a relay is from 1 to 10000, not 0/);
      equal(message.match(/inbox\.retention is 1 min to 10 years/g)?.length, 1);
      match(message, /migrations were not run/);
      return true;
    },
  );
  await rejects(
    chassis({ ...own, store, inbox: { retention: "1s" } }),
    /inbox\.retention[^]*migrations were not run/,
  );
});

test("who has a broker relays, unless told not to; others leave it to them", async (t) => {
  const store = shop(t);
  await store.migrate();
  const relaying = async (options: object): Promise<readonly string[]> => {
    await using app = await chassis({ ...own, store, ...options });
    return (app.stats().outboxes ?? []).map((each) => each.store);
  };
  deepEqual(await relaying({ messages: "memory:" }), [store.address]);
  deepEqual(await relaying({ messages: "memory:", relay: false }), []);
  deepEqual(await relaying({}), []);
});
