// What runs before anything is installed: scripts/install.mjs, with an npm that only pretends.
import { equal, match } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { start, type Ended } from "./program.ts";

const lockFile = JSON.stringify({
  packages: {
    "": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/for-another-platform": { version: "1.0.0", optional: true },
  },
});
const installed = JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } });
const outdated = JSON.stringify({ packages: { "node_modules/a": { version: "0.9.0" } } });

/** Takes its time, counts its runs, and leaves the record that npm leaves. */
const npm = `
  import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
  appendFileSync("runs", "x");
  setTimeout(() => {
    mkdirSync("node_modules", { recursive: true });
    writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(installed)});
  }, 100);
`;

test("two at once install once", async (context) => {
  const folder = project(context, npm);
  const [one, other] = await Promise.all([ensured(folder), ensured(folder)]);
  equal(one.code, 0, one.stderr);
  equal(other.code, 0, other.stderr);
  equal(readFileSync(join(folder, "runs"), "utf8"), "x");
});

test("what is installed is not installed again, what is outdated is", async (context) => {
  const folder = project(context, npm);
  equal((await ensured(folder)).code, 0);
  const again = await ensured(folder);
  equal(again.stderr, "");
  writeFileSync(join(folder, "node_modules/.package-lock.json"), outdated);
  match((await ensured(folder)).stderr, /installing dependencies[^]*installed in/);
  equal(readFileSync(join(folder, "runs"), "utf8"), "xx");
});

test("the lock of a process that has died keeps nobody out", async (context) => {
  const folder = project(context, npm);
  equal((await ensured(folder)).code, 0);
  writeFileSync(join(folder, "node_modules/.package-lock.json"), outdated);
  const dead = start(process.execPath, ["--eval", "0"], folder);
  await dead.ended;
  writeFileSync(join(folder, ".cache/install.lock"), String(dead.pid));
  equal((await ensured(folder)).code, 0);
});

test("a failed install says so", async (context) => {
  const folder = project(context, "process.exitCode = 3;");
  const { code, stderr } = await ensured(folder);
  equal(code, 1);
  match(stderr, /npm ci failed \(exit code 3\)/);
});

function project(context: TestContext, npmText: string): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-install-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(folder, "package-lock.json"), lockFile);
  writeFileSync(join(folder, "npm-cli.js"), npmText);
  return folder;
}

function ensured(folder: string): Promise<Ended> {
  const install = join(import.meta.dirname, "../scripts/install.mjs");
  const program = `
    process.env.npm_execpath = ${JSON.stringify(join(folder, "npm-cli.js"))};
    const { ensureInstalled } = await import(${JSON.stringify(install)});
    await ensureInstalled(${JSON.stringify(folder)}).catch((error) => {
      console.error(error.message);
      process.exitCode = 1;
    });
  `;
  return start(process.execPath, ["--input-type=module", "--eval", program], folder).ended;
}
