import { equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { chassis } from "../chassis/chassis.ts";
import { trial } from "./trial.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("signal has the process behind a socket read its settings again", async (t) => {
  const address = `unix:${join(folder(t), "shop.sock")}`;
  const read = Promise.withResolvers<void>();
  await using _app = await chassis({
    name: "shop",
    listen: address,
    signals: { reload: true },
    reload: read.resolve,
    serve: [],
  });
  const sent = await trial(["signal", address, "reload", "--json"]);
  equal(sent.code, 0, sent.err);
  equal(sent.out, `${JSON.stringify({ ok: true, pid: process.pid, signal: "SIGHUP" })}\n`);
  await read.promise;
});

test(
  "signal leaves a process alone that would die of it",
  { skip: platform() === "linux" ? false : "only Linux tells who listens" },
  async (t) => {
    const deaf = spawn("sleep", ["600"], { stdio: "ignore" });
    t.after(() => deaf.kill("SIGKILL"));
    await once(deaf, "spawn");
    const refused = await trial(["signal", String(deaf.pid), "drain"]);
    equal(refused.code, 4);
    match(refused.err, /does not listen to SIGUSR2, and would die of it/);
    equal(deaf.kill(0), true);
  },
);

test("signal says what it does not understand, and sends nothing", async (t) => {
  const file = join(folder(t), "file");
  writeFileSync(file, "");
  for (const [words, says] of [
    [["4711", "die"], /write drain or reload, not "die"/],
    [["4711"], /drain or reload is missing/],
    [["tcp://127.0.0.1:1", "drain"], /write a PID, or unix:PATH/],
    [[`unix:${file}`, "drain"], /nobody who is known has made a socket at .*file/],
  ] as const) {
    const { code, err } = await trial(["signal", ...words]);
    equal(code, 2);
    match(err, says);
  }
});
