import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");

export interface Report {
  ok: boolean;
  bench: string;
  rows: { case: string; peer: string; over?: string; failed?: string; messages?: number }[];
  goals: { name: string; met: boolean }[];
}

/** One short round of a bench, or of some parts of it. */
export async function bench(name: string, ...parts: string[]): Promise<Report> {
  const only = parts.flatMap((part) => ["--only", part]);
  const args = [...fromSource, "bench/main.ts", name, "--quick", "--json", ...only];
  const ended = await start(process.execPath, args, root).ended;
  equal(ended.code, 0, ended.stderr);
  const report = JSON.parse(ended.stdout.trimEnd().split("\n").at(-1)!) as Report;
  ok(report.ok);
  equal(report.bench, name);
  return report;
}
