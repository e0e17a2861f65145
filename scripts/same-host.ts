// `npm run same-host`: measures this machine by `trunkline doctor --measure` and puts the tables of its report into docs/same-host.md;
// `-- --from FOLDER` takes a report that is there. Needs a quiet machine: the page says how busy it was.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withTables } from "./same-host/with-tables.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/same-host.md");
const { values } = parseArgs({ options: { from: { type: "string" } } });

const made = values.from === undefined ? mkdtempSync(join(tmpdir(), "trunkline-")) : undefined;
try {
  const measure = ["src/cli/main.ts", "doctor", "--measure", "--out", made ?? ""];
  const run =
    made === undefined
      ? { status: 0 }
      : spawnSync(process.execPath, [...process.execArgv, ...measure], {
          cwd: root,
          stdio: ["ignore", 2, "inherit"],
        });
  if (run.status === 0) {
    const report = readFileSync(join(values.from ?? made ?? "", "report.md"), "utf8");
    writeFileSync(page, withTables(readFileSync(page, "utf8"), report));
    console.log("docs/same-host.md has the figures; look at what has changed");
  }
  process.exitCode = run.status ?? 1;
} finally {
  if (made !== undefined) rmSync(made, { recursive: true });
}
