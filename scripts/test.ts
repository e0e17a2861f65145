// `npm test [-- FILE… OPTION…]`: builds, then runs every test there is, the steps of `npm run check`
// among them. It ends as node's test runner ends.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { servers } from "./servers/all.ts";
import { missingBetterSqlite3 } from "./servers/better-sqlite3.ts";
import { missing } from "./servers/for-tests.ts";
import { tests } from "./steps.ts";
import type { Entry } from "./tally.ts";

const root = join(import.meta.dirname, "..");
const everything = "{src,tidy,test,demo,sim,bench,fuzz,mutants,soak,torture}/**/*.test.ts";
/**
 * They measure how fast something was, have little patience, or bring what others bring too: each is alone. All others wait for as
 * long as it takes, with servers and ports of their own.
 */
const alone = [
  "test/{bench-storm,check,command-line,demo,formats,gateway,global-breaker,install}.test.ts",
  "test/{lanes,mutants,native,overload,package,servers,stalls}.test.ts",
];
/** One more than there are processors in CI: many files wait for a server that starts. */
const besides = 3;
const serverNames = /scripts\/servers\/([a-z0-9-]+)\.ts/g;
const fileEndsWithinS = 10 * 60;
const allEndWithinMs = 29 * 60_000;
/** What is told at the end: CI keeps some two hundred lines. */
const slowestFilesMax = 20;
const failureLinesMax = 30;
const failuresLinesMax = 150;
const lineCharsMax = 400;

const args = process.argv.slice(2);
const hasFiles = args.some((arg) => !arg.startsWith("-"));

process.exitCode = build();
if (process.exitCode === 0 && !hasFiles) await bringServers();
if (process.exitCode === 0)
  process.exitCode = await (hasFiles ? run([tests(fileEndsWithinS, 1, ...args)]) : run(all()));

function build(): number {
  const { status } = spawnSync(process.execPath, [...process.execArgv, "scripts/build.ts"], {
    cwd: root,
    stdio: "inherit",
    timeout: allEndWithinMs,
  });
  return status ?? 1;
}

/** Where tests may install what they need, it is there before they begin: two that run side by side must not bring the same. */
async function bringServers(): Promise<void> {
  const used = new Set(globSync(everything, { cwd: root }).flatMap(serversOf));
  for (const server of servers) if (used.has(server.name)) missing(server);
  await missingBetterSqlite3();
}

/** The files of servers that a test names. */
function serversOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return Array.from(text.matchAll(serverNames), ([, name]) => name!);
}

/** First what can run side by side, then one file at a time. */
function all(): string[][] {
  const files = globSync(everything, { cwd: root }).toSorted();
  const inTurn = new Set(globSync(alone, { cwd: root }));
  return [
    tests(fileEndsWithinS, besides, ...args, ...files.filter((file) => !inTurn.has(file))),
    tests(fileEndsWithinS, 1, ...args, ...inTurn),
  ];
}

/** Runs them one after the other, whatever becomes of the first ones, and says at the end what they came to together. */
async function run(commands: readonly string[][]): Promise<number> {
  const endsAt = performance.now() + allEndWithinMs;
  const folder = mkdtempSync(join(tmpdir(), "trunkline-tally-"));
  const tallies = commands.map((_, index) => join(folder, `${index}`));
  let worst = 0;
  for (const [index, command] of commands.entries()) {
    // The command brings the second reporter, which is for people.
    const reporters = [
      ...["--test-reporter=./scripts/tally.ts", `--test-reporter-destination=${tallies[index]}`],
      "--test-reporter-destination=stdout",
    ];
    const child = spawn(process.execPath, [...process.execArgv, ...reporters, ...command], {
      cwd: root,
      stdio: "inherit",
      // Most of what a test costs is that it and each process that it starts compile the same sources.
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") },
      timeout: Math.max(1, Math.round(endsAt - performance.now())),
    });
    const code = await new Promise<number>((resolve) => {
      child.once("close", (status) => resolve(status ?? 1));
    });
    worst = Math.max(worst, code);
  }
  if (commands.length > 1) tell(tallies.flatMap(entriesOf));
  rmSync(folder, { recursive: true });
  return worst;
}

function entriesOf(tally: string): Entry[] {
  if (!existsSync(tally)) return [];
  // A run that was ended may have left half a line.
  const lines = readFileSync(tally, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Entry);
}

/** Says last what matters most: who sees only the end of a log sees what failed, and how. */
function tell(entries: readonly Entry[]): void {
  const slowest = entries
    .filter((entry) => entry.what === "file")
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, slowestFilesMax);
  console.log("\nthe slowest files");
  for (const { file, seconds } of slowest)
    console.log(`${seconds.toFixed(1).padStart(6)} s ${file}`);

  const sums = new Map<string, number>();
  for (const entry of entries) {
    if (entry.what !== "sums") continue;
    for (const [what, count] of Object.entries(entry.sums))
      sums.set(what, (sums.get(what) ?? 0) + count);
  }
  console.log("\nall of them together");
  for (const [what, count] of sums) console.log(`ℹ ${what} ${count}`);

  const failed = entries.filter((entry) => entry.what === "failed");
  if (failed.length === 0) return;
  const lines = failed.flatMap(({ where, name, told }) => [
    ...["", `✖ ${where} ${name}`],
    ...cut(told.split("\n"), failureLinesMax).map((line) => `    ${line}`.slice(0, lineCharsMax)),
  ]);
  console.log(`\nwhat failed\n${cut(lines, failuresLinesMax).join("\n")}`);
}

function cut(lines: readonly string[], linesMax: number): string[] {
  if (lines.length <= linesMax) return [...lines];
  return [...lines.slice(0, linesMax), `… and ${lines.length - linesMax} lines more`];
}
