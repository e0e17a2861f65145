import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { LogListener, StoreLog } from "../../store/log.ts";
import type { Store } from "../../store/store.ts";
import { Outbox } from "./outbox.ts";
import { relayTerms } from "./relay-terms.ts";
import { Relay } from "./relay.ts";
import { Orders, Taker, until } from "./testing/taker.ts";

type Native = Parameters<ReturnType<typeof sqlite>["adopt"]>[0];

/** Two stores on one file, as two processes have them: one that publishes, one that relays. */
async function pair(context: TestContext): Promise<[Store<Native>, Store<Native>]> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-hints-"));
  const stores = [sqlite(join(folder, "shop.db")), sqlite(join(folder, "shop.db"))] as const;
  context.after(async () => {
    for (const store of stores) await store.close();
    rmSync(folder, { recursive: true });
  });
  await stores[0].migrate();
  return [...stores];
}

test("OB-9: what is committed where nobody hints is found by looking", async (t) => {
  const [writing, relaying] = await pair(t);
  const taker = new Taker();
  const terms = relayTerms({ poll: "20ms" });
  const relay = new Relay({
    store: relaying,
    broker: taker.broker,
    terms,
    name: "shop",
    env: realEnv(),
  });
  relay.start();
  t.after(() => relay.stop(1_000));
  const box = new Outbox(writing, { name: "shop" });
  for (let number = 0; number < 5; number++) {
    await box.transaction(({ publish }) => publish(Orders.placed, { id: "o-1", number }));
    await until("it is found", () => taker.taken.length === number + 1);
  }
  assert.deepEqual(taker.numbers, [0, 1, 2, 3, 4]);
  assert.equal(relay.stats().log, undefined);
});

test("OB-10: what a log tells wakes the relay; what it says of itself is in the stats; it is closed with the relay", async (t) => {
  const [writing, relaying] = await pair(t);
  let ear: LogListener | undefined;
  let closed = 0;
  const log: Partial<StoreLog> = {
    follow(listener) {
      ear = listener;
      return { unconfirmed: 0, close: () => Promise.resolve(void closed++) };
    },
  };
  const taker = new Taker();
  // A clock that stands still: it looks once, and then only when it is woken.
  const env = { ...realEnv(), now: () => 0, set: () => {}, clear: () => {} };
  const relay = new Relay({
    store: Object.assign(relaying, { log }),
    broker: taker.broker,
    terms: relayTerms({}),
    name: "shop",
    env,
  });
  relay.start();
  await until("it has all lanes", () => relay.stats().shares === 32);
  const box = new Outbox(writing, { name: "shop" });
  await box.transaction(({ publish }) => publish(Orders.placed, { id: "o-1", number: 1 }));
  ear!.changed({ is: "lost", reason: "nobody has made a slot" });
  assert.deepEqual(relay.stats().log, { is: "lost", reason: "nobody has made a slot" });
  ear!.committed();
  await until("it is taken", () => taker.taken.length === 1);
  await relay.stop(1_000);
  assert.equal(closed, 1);
});
