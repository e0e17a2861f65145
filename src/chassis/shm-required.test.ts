import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { addonProblem } from "../os/addon.ts";
import { unix, type UnixOptions } from "../transport/unix/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client, stateOf } from "./client.ts";

const Echo = contract(
  "echo",
  { version: "1.0.0" },
  { say: call({ in: z.string(), out: z.string(), idempotent: true }) },
);

const skip = addonProblem() ?? false;

test("shared memory that is required by both is there", { skip }, async (t) => {
  const { app, say } = await started(t, "require", "require");
  for (let asked = 0; app.stats().addresses[0]?.ways?.["shm"] === undefined; asked++)
    equal(await say(`${asked}`), `${asked}`);
  equal(await say("there"), "there");
});

test("who requires it does not call over the socket alone", { skip }, async (t) => {
  const { say } = await started(t, "off", "require");
  await rejects(
    async () => {
      for (;;) await say("until it is known that it does not move");
    },
    (error: { readonly code: string; readonly message: string }) => {
      equal(error.code, "UNAVAILABLE");
      match(error.message, /shared memory is required: the peer offers no shared memory/);
      return true;
    },
  );
});

test(
  "a server of another user is not called: nothing was executed",
  { skip: skip || (process.geteuid!() === 0 ? false : "only root can be another user") },
  async (t) => {
    const { served, say } = await started(t, "auto", "require", 0o666);
    process.seteuid!(65_534);
    try {
      await rejects(say("never heard"), {
        code: "PERMISSION_DENIED",
        executed: "no",
        message: /shared memory is required, and the peer is of another user, uid 0/,
      });
    } finally {
      process.seteuid!(0);
    }
    deepEqual(served, []);
  },
);

test("who listens and requires it serves who does not want it", { skip }, async (t) => {
  const { app, say } = await started(t, "require", "off");
  for (let asked = 0; asked < 100; asked++) await say("over the socket");
  equal(app.stats().addresses[0]?.ways?.["unix"], 1);
});

test("why a connection stays on the socket is told", { skip }, async (t) => {
  const { stayed, say } = await started(t, "off", "auto");
  while (stayed() === undefined) await say("until it is known");
  equal(stayed(), "the peer offers no shared memory");
});

test("without the addon it is refused before anything is tried", () => {
  const program = `
    const { unix } = await import(process.argv[1]);
    const transport = unix({ shm: "require" });
    const address = { text: "unix:/nowhere/x.sock", place: "/nowhere/x.sock" };
    for (const act of ["dial", "listen"])
      await transport[act](address).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = spawnSync(
    process.execPath,
    [
      ...["--no-addons", ...process.execArgv, "--input-type=module", "-e", program],
      new URL("../transport/unix/index.ts", import.meta.url).href,
    ],
    { encoding: "utf8" },
  );
  equal(stdout.match(/UNIMPLEMENTED.*shared memory is required/g)?.length, 2, stdout);
});

interface Scene {
  readonly app: Chassis;
  /** What the handler was given. */
  readonly served: readonly string[];
  say(what: string): Promise<string>;
  /** Why the client's connection does not move. */
  stayed(): string | undefined;
}

/** A server and a client of it, each with its word on shared memory. */
async function started(
  t: TestContext,
  serves: UnixOptions["shm"] & string,
  asks: UnixOptions["shm"] & string,
  mode = 0o600,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  if (mode !== 0o600) chmodSync(folder, 0o755);
  const served: string[] = [];
  const say = (what: string): string => {
    served.push(what);
    return what;
  };
  const address = `unix:${join(folder, "echo.sock")}`;
  const app = await chassis({
    name: "echo",
    listen: address,
    serve: [serve(Echo, { say })],
    transports: [unix({ shm: serves, mode })],
    signals: false,
  });
  const echo = client(Echo, address, { transports: [unix({ shm: asks })] });
  t.after(async () => {
    await echo[Symbol.asyncDispose]();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const stayed = (): string | undefined => stateOf(echo).endpoints[0]?.stayed;
  return { app, served, say: (what) => echo.say(what), stayed };
}
