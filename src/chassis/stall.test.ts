import assert from "node:assert/strict";
import { test } from "node:test";

import * as z from "zod";

import { VirtualEnv } from "../base/virtual-env.ts";
import type { Client } from "../call/client-type.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { MemoryNames, memory } from "../transport/memory/memory.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Desk = contract("desk", { version: "1.0.0" }, { ask: call({ in: z.string() }) });

interface Scene {
  readonly env: VirtualEnv;
  readonly ran: unknown[];
  readonly desk: Client<typeof Desk>;
}

/** One process that serves and calls itself, in virtual time. */
async function play(run: (scene: Scene) => Promise<void>): Promise<void> {
  const env = new VirtualEnv();
  const transports = [memory(new MemoryNames())];
  const ran: unknown[] = [];
  const app = await chassis({
    name: "desk",
    listen: "memory:desk",
    signals: false,
    transports,
    env,
    serve: [serve(Desk, { ask: (input) => void ran.push(input) })],
  });
  const desk = client(Desk, "memory:desk", { transports, env });
  await desk.ask("first");
  await run({ env, ran, desk });
  await desk[Symbol.asyncDispose]();
  await app.stop({ force: true });
}

test("what was given up while the process stood still is not begun when it goes on", () =>
  play(async ({ env, ran, desk }) => {
    const controller = new AbortController();
    const given = desk.ask("given up", { signal: controller.signal });
    const kept = desk.ask("kept");
    controller.abort();
    env.stall(2_000);
    await assert.rejects(given, { code: "CANCELLED" });
    await kept;
    assert.deepEqual(ran, ["first", "kept"]);
  }));

test("who has waited in vain while the process stood still is not begun", () =>
  play(async ({ env, ran, desk }) => {
    const asked = desk.ask("short", { deadline: "1500ms" });
    env.stall(2_000);
    await assert.rejects(asked, { code: "DEADLINE_EXCEEDED" });
    await desk.ask("next");
    assert.deepEqual(ran, ["first", "next"]);
  }));

test("without a stall nothing waits", () =>
  play(async ({ env, ran, desk }) => {
    const begun = env.now();
    await desk.ask("now");
    assert.equal(env.now(), begun);
    env.stall(40);
    const after = env.now();
    await desk.ask("soon");
    assert.equal(env.now(), after);
    assert.deepEqual(ran, ["first", "now", "soon"]);
  }));
