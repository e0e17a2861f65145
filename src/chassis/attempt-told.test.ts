import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import * as z from "zod";
import type { AttemptEvent } from "../base/diagnostics.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const Told = contract(
  "told",
  { version: "1.0.0" },
  { once: call({ in: z.number(), out: z.string(), idempotent: true }) },
);

/** What is told of the tries of one call to a server that refuses so many of them. */
async function tries(refused: number): Promise<{ events: AttemptEvent[]; result: unknown }> {
  const env = new VirtualEnv();
  const transports = [memory(new MemoryNames())];
  let left = refused;
  const once = (_: number, { refuse }: { refuse: (code: "UNAVAILABLE", why: string) => Error }) => {
    if (left-- > 0) throw refuse("UNAVAILABLE", "not now");
    return "here";
  };
  const common = { env, transports };
  const app = await chassis({
    ...common,
    name: "told",
    listen: "memory:told",
    signals: false,
    serve: [serve(Told, { once })],
  });
  const events: AttemptEvent[] = [];
  const hear = (event: unknown): void => {
    const heard = event as AttemptEvent;
    if (heard.operation === "told.once") events.push(heard);
  };
  subscribe("trunkline:attempt", hear);
  try {
    const asking = client(Told, "memory:told", common);
    const result = await asking.once.result(1, { idempotencyKey: "k" });
    await close(asking);
    await app.stop();
    return { events, result: result.ok ? result.value : result.error.code };
  } finally {
    unsubscribe("trunkline:attempt", hear);
  }
}

test("a try that fails is told, also when the call succeeds", async () => {
  const { events, result } = await tries(1);
  assert.equal(result, "here");
  assert.equal(events.length, 1);
  const [{ traceparent, ...told }] = events as [AttemptEvent];
  assert.match(traceparent, /^00-[0-9a-f]{32}-/);
  assert.deepEqual(told, {
    operation: "told.once",
    idempotencyKey: "k",
    endpoint: "memory:told",
    code: "UNAVAILABLE",
    executed: "no",
    again: true,
  });
});

test("of the last try it is told that the call does not go on", async () => {
  const { events, result } = await tries(1_000);
  assert.equal(result, "UNAVAILABLE");
  assert.ok(events.length > 1);
  assert.deepEqual(
    events.map(({ again }) => again),
    [...events.slice(1).map(() => true), false],
  );
});
