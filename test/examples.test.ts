// Runs every example and compares what it prints with its `expected.txt`.
import { deepEqual, equal } from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { missingBetterSqlite3 } from "../scripts/servers/better-sqlite3.ts";
import { fromSource, start } from "./program.ts";

const folder = join(import.meta.dirname, "../examples");
const examples = existsSync(folder)
  ? readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  : [];

for (const { name } of examples) {
  const main = readFileSync(join(folder, name, "main.ts"), "utf8");
  const missing = main.includes('"better-sqlite3"') ? await missingBetterSqlite3() : undefined;
  test(`example ${name} prints what it should`, { skip: missing ?? false }, async () => {
    const cwd = mkdtempSync(join(tmpdir(), "trunkline-example-"));
    try {
      const args = [...fromSource, join(folder, name, "main.ts")];
      const ended = await start(process.execPath, args, cwd).ended;
      const expected = readFileSync(join(folder, name, "expected.txt"), "utf8");
      equal(ended.stdout, expected);
      deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" });
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
}
