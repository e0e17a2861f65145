// The benches run, and every peer does the same work. How fast is not asked here.
import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");

test("the bench of calls runs, and all peers give the right answers", async () => {
  const args = [...fromSource, "bench/main.ts", "calls", "--quick", "--json"];
  const ended = await start(process.execPath, args, root).ended;
  equal(ended.code, 0, ended.stderr);
  const report = JSON.parse(ended.stdout.trimEnd().split("\n").at(-1)!) as {
    ok: boolean;
    bench: string;
    rows: { peer: string }[];
    goals: { name: string; met: boolean }[];
  };
  ok(report.ok);
  equal(report.bench, "calls");
  const measured = [...new Set(report.rows.map(({ peer }) => peer))];
  deepEqual(measured, ["socket", "undici", "undici dispatch", "grpc-js", "trunkline"]);
  equal(report.goals.length, 7);
});
