// What docs/same-host.md says of mechanisms is what the doctor says of them.
import { ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withTables } from "../scripts/same-host/with-tables.ts";

const root = join(import.meta.dirname, "..");

test("docs/same-host.md says who can do what as the doctor does", () => {
  const title = "Who can read, write, spoof or fill it";
  const page = readFileSync(join(root, "docs/same-host.md"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  try {
    const machine = { system: "", node: "", processor: "", cores: 2, load: 0, addon: true };
    const outcomes = [{ name: "memory", forMs: 1, idleCpuMs: 0 }];
    const saved = join(folder, "report.json");
    writeFileSync(saved, JSON.stringify({ machine, outcomes }));
    const { stderr } = spawnSync(
      process.execPath,
      [...process.execArgv, join(root, "src/cli/main.ts"), "doctor", "--from", saved],
      { encoding: "utf8" },
    );
    const report = readFileSync(join(folder, "report.md"), "utf8");
    const part = `<!-- doctor: ${title} -->\n<!-- /doctor -->`;
    ok(page.includes(withTables(part, report)), `npm run same-host writes it anew ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
