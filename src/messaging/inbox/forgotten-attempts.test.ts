import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Delivery } from "../../broker/broker.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { Received } from "../work.ts";
import { CountedAttempts } from "./attempts.ts";
import { Solitude } from "./solitude.ts";

test("IN-5: what another process has begun at and died is forgotten when the message is known to be done here", async () => {
  await using store = sqlite(":memory:");
  await store.migrate();
  const key = { consumer: "billing", message: "a" };
  await store.inbox.started(key);
  const counted = new CountedAttempts({
    rows: store.inbox,
    keyOf: () => key,
    solitude: new Solitude(),
    env: new VirtualEnv(),
  });
  const envelope = { id: "a", source: "/test" } as Received["envelope"];
  const delivery = { envelope, attempt: 2, redelivered: true } as Delivery;
  const { signal } = new AbortController();
  const again: Received = {
    ...{ envelope, delivery, group: "billing", attempt: 2, signal },
    heartbeat: () => {},
  };
  // Its consumer has its id among the recent ones, and does not hand it to its work.
  await counted.forgetting(async () => {})(again, "handled");
  deepEqual(await store.inbox.started(key), { started: 1, finished: 0 });
});
