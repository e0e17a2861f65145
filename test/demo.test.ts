// Runs the demo as a user does, shorter; and looks at what is left when it is killed.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");
const demo = [...fromSource, join(root, "demo/main.ts"), "--seconds", "6", "--json"];

suite("the demo", () => {
  test("nothing is lost, hangs, runs twice or fails untyped, whatever happens to the towers", async () => {
    const { code, stdout, stderr } = await start(process.execPath, demo, root).ended;
    equal(code, 0, stderr);
    const { kinds, connections, p50_us, p99_us, ...result } = JSON.parse(stdout);
    const { lost, hung, doubled, untyped } = result;
    deepEqual(
      { ok: result.ok, lost, hung, doubled, untyped },
      { ok: true, lost: 0, hung: 0, doubled: 0, untyped: 0 },
    );
    ok(kinds.call >= 80_000 && kinds.stream > 0 && kinds.notification >= 20_000, stdout);
    ok(p99_us >= p50_us && p50_us > 0, stdout);
    ok(connections.unix >= 30, stdout);
    match(stderr, /224 airports, departures, arrivals, delay, distance: all equal/);
    match(stderr, /one trace: [0-9a-f]{32}   desk-\d → tower-\d → ledger/);
  });

  test("killed, it leaves no process and no file", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "demo-"));
    try {
      const child = spawn(process.execPath, demo, {
        cwd: root,
        env: { ...process.env, TMPDIR: folder },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let told = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
      while (!told.includes("come up")) await once(child.stderr, "data");
      ok(processesWith(folder).length > 8);
      child.kill("SIGKILL");
      while (processesWith(folder).length > 0) await sleep(100);
      deepEqual(readdirSync(folder), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The processes that have the folder among their arguments. */
function processesWith(folder: string): string[] {
  const all = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" });
  return all.split("\n").filter((line) => line.includes(folder));
}
