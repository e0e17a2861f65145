// The soak runs, and notices what is left open. A run this short says nothing of the heap; its verdict has tests of its own.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");

interface Report {
  ok: boolean;
  calls: number;
  streams: number;
  uploads: number;
  duplexes: number;
  notifications: number;
  connections: number;
  restarts: number;
  descriptors: { first: number; last: number };
  hung: number;
  untyped: number;
  failures: string[];
}

async function soak(...args: string[]): Promise<{ code: number | null; report: Report }> {
  const all = [...fromSource, "soak/main.ts", "--seconds", "5", "--json", ...args];
  const { code, stdout } = await start(process.execPath, all, root).ended;
  return { code, report: JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Report };
}

test("a short soak does work of each kind, restarts a server, and leaves nothing behind", async () => {
  const { code, report } = await soak();
  deepEqual(report.failures, []);
  equal(code, 0);
  ok(report.ok);
  const kinds = ["calls", "streams", "uploads", "duplexes", "notifications"] as const;
  for (const what of [...kinds, "connections", "restarts"] as const) ok(report[what] > 0, what);
  deepEqual([report.hung, report.untyped], [0, 0]);
});

test("a descriptor that is left open fails a soak", async () => {
  const { code, report } = await soak("--leak");
  equal(code, 1);
  ok(!report.ok);
  match(report.failures.join("\n"), /client: \d+ descriptors before the load, \d+ after it/);
  ok(report.descriptors.last > report.descriptors.first);
});
