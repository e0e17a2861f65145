import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import * as z from "zod";

import type { ConnectionEvent } from "../base/diagnostics.ts";
import { isTrunklineError } from "../base/error.ts";
import { seededRandom } from "../base/random.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { addonProblem } from "../os/addon.ts";
import { client } from "./client.ts";

const Count = contract("count", { version: "1.0.0" }, { up: call({ in: z.int(), out: z.int() }) });

const url = (path: string): string =>
  JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);

/** Serves `count` at the address given, says where, and notes each number before it answers in the file given, if one is. */
const program = `
  const { appendFileSync } = await import("node:fs");
  const z = await import("zod");
  const { serve } = await import(${url("../call/serve.ts")});
  const { call } = await import(${url("../contract/call.ts")});
  const { contract } = await import(${url("../contract/contract.ts")});
  const { chassis } = await import(${url("chassis.ts")});
  const Count = contract("count", { version: "1.0.0" }, { up: call({ in: z.int(), out: z.int() }) });
  const [, listen, notes = ""] = process.argv;
  const up = (number) => {
    if (notes !== "") appendFileSync(notes, number + "\\n");
    return number;
  };
  const app = await chassis({ name: "count", listen, insecure: true, serve: [serve(Count, { up })] });
  console.log(app.addresses[0]);
  await app.stopped;
`;

const last = addonProblem() === undefined ? "shm" : "unix";

const own = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

for (const host of ["127.0.0.1", own]) {
  const skip = host === undefined ? "this machine has no address but loopback" : false;
  test(
    `two processes that meet at ${host === "127.0.0.1" ? host : "the host's own address"} leave TCP`,
    { skip },
    async (t) => {
      const { address } = await serving(t, `tcp://${host}:0`);
      const way = await movedTo(t, address);
      equal(way, last);
    },
  );
}

test("a server that is killed at any moment of a move has executed what was told, and nothing twice", async (t) => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const rounds = Number(process.env["KILLS"] ?? 3);
  for (let round = 0; round < rounds; round++) {
    const notes = join(folder, `${round}.txt`);
    const { address, child } = await serving(t, "tcp://127.0.0.1:0", notes);
    const killAfter = 1 + Math.floor(random() * 60);
    const told = new Map<number, "done" | "yes" | "no" | "maybe">();
    await using count = client(Count, address, { connectWait: 200 });
    const asked: Promise<void>[] = [];
    for (let number = 0; number < killAfter + 20; number++) {
      const one = count.up(number, { deadline: 2_000 }).then(
        () => void told.set(number, "done"),
        (error: unknown) =>
          void told.set(number, isTrunklineError(error) ? error.executed : "maybe"),
      );
      asked.push(one);
      if (number === killAfter) child.kill("SIGKILL");
      if (number % 3 === 0 && number < killAfter) await one;
    }
    await Promise.all(asked);
    const done = readFileSync(notes, "utf8").split("\n").filter(Boolean).map(Number);
    const context = `SEED=${seed} round ${round}`;
    deepEqual(
      done,
      done.toSorted((one, other) => one - other),
      `in order: ${context}`,
    );
    equal(new Set(done).size, done.length, `nothing twice: ${context}`);
    for (const [number, what] of told) {
      if (what === "done" || what === "yes")
        ok(done.includes(number), `${number} was done: ${context}`);
      if (what === "no") ok(!done.includes(number), `${number} was not done: ${context}`);
    }
  }
});

/** A server in a process of its own. */
async function serving(
  t: TestContext,
  listen = "tcp://127.0.0.1:0",
  notes = "",
): Promise<{ readonly address: string; readonly child: ChildProcess }> {
  const words = [...process.execArgv, "--input-type=module", "-e", program, listen, notes];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const [address] = (await once(createInterface(child.stdout), "line")) as [string];
  return { address, child };
}

/** By what way a client of this process speaks with it in the end. */
async function movedTo(t: TestContext, address: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const heard = (event: unknown): void => {
    const { endpoint, state, way } = event as ConnectionEvent;
    if (endpoint !== address) return;
    if (state === "stayed") resolve("stayed");
    else if (state === "moved" && way === last) resolve(way);
  };
  subscribe("trunkline:connection", heard);
  t.after(() => unsubscribe("trunkline:connection", heard));
  await using count = client(Count, address);
  equal(await count.up(1), 1);
  const way = await promise;
  equal(await count.up(2), 2);
  return way;
}
