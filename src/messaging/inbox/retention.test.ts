import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import { systemError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { channel } from "../../broker/channel.ts";
import type { Store } from "../../store/store.ts";
import { consumerTerms } from "../consumer-terms.ts";
import { horizonOf, Purge, retentionOf } from "./retention.ts";

const dayMs = 86_400_000;

/** A store with so many old marks. */
function storeWith(old: number): { readonly store: Store; asked: string[]; away: boolean } {
  const table = { asked: [] as string[], away: false, left: old };
  const purge = async (olderThanMs: number, limit: number): Promise<number> => {
    if (table.away) throw systemError("UNAVAILABLE", "the store is away", { executed: "no" });
    const purged = Math.min(limit, table.left);
    table.left -= purged;
    table.asked.push(`${olderThanMs / dayMs} d: ${purged}`);
    return purged;
  };
  const store = { address: "test:", inbox: { purge } } as unknown as Store;
  return Object.assign(table, { store });
}

test("IN-4: marks older than the retention are taken out in batches, by whoever runs, until it stops", async () => {
  const env = new VirtualEnv();
  const table = storeWith(2_500);
  const purge = new Purge(table.store, retentionOf({}), env);
  purge.start();
  await sleep(env, 60_000);
  deepEqual(table.asked, ["7 d: 1000", "7 d: 1000", "7 d: 500"]);
  await sleep(env, 60_000);
  equal(table.asked.length, 4);
  purge.stop();
  await sleep(env, 600_000);
  equal(table.asked.length, 4);
  equal(env.alarms, 0);
});

test("IN-4: however many there are, one look takes out no more than a bounded number", async () => {
  const env = new VirtualEnv();
  const table = storeWith(1_000_000);
  const purge = new Purge(table.store, retentionOf({ retention: "24h" }), env);
  purge.start();
  await sleep(env, 60_000);
  purge.stop();
  equal(table.asked.length, 100);
  equal(table.asked[0], "1 d: 1000");
});

test("that old marks cannot be taken out is told once, and tried again", async () => {
  const env = new VirtualEnv();
  const table = storeWith(10);
  table.away = true;
  const told: unknown[] = [];
  const hear = (event: unknown): void => void told.push(event);
  channels.inbox.subscribe(hear);
  const purge = new Purge(table.store, retentionOf({}), env);
  purge.start();
  await sleep(env, 600_000);
  deepEqual(told, [{ store: "test:", what: "unpurged", reason: "the store is away" }]);
  table.away = false;
  await sleep(env, 60_000);
  purge.stop();
  channels.inbox.unsubscribe(hear);
  equal(table.asked[0], "7 d: 10");
});

test("IN-4: a message may come again for as long as its channel keeps it, its attempts take, and its dead letters wait", () => {
  const kept = channel({ name: "orders", shape: "queue", retentionMs: 3 * dayMs });
  const terms = consumerTerms(
    { retry: { maxAge: "24h" }, dead: "park-message", letters: { expires: "48h" } },
    undefined,
    false,
  );
  equal(horizonOf(kept, terms), 6 * dayMs);
  const usual = channel({ name: "orders", shape: "queue" });
  equal(horizonOf(usual, consumerTerms({}, undefined, false)), 2 * 3_600_000);
});

test("a retention of less than a minute, or more than ten years, is refused", () => {
  for (const retention of ["59s", "99999h"] as const)
    throws(() => retentionOf({ retention }), { code: "INVALID_ARGUMENT" });
});
