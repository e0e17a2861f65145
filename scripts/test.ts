// `npm test [-- FILE… OPTION…]`: builds, then runs every test there is, the steps of `npm run check`
// among them. It ends as node's test runner ends.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tests } from "./steps.ts";

const root = join(import.meta.dirname, "..");
const everything = "{src,tidy,test,demo,sim,bench,fuzz,mutants,soak,torture}/**/*.test.ts";
const fileEndsWithinS = 10 * 60;
const allEndWithinMs = 29 * 60_000;

const args = process.argv.slice(2);
const hasFiles = args.some((arg) => !arg.startsWith("-"));

process.exitCode = node(["scripts/build.ts"]);
if (process.exitCode === 0) {
  // One file at a time: some measure, and some have little patience.
  process.exitCode = node(tests(fileEndsWithinS, 1, ...args, ...(hasFiles ? [] : [everything])));
}

function node(command: string[]): number {
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...command], {
    cwd: root,
    stdio: "inherit",
    timeout: allEndWithinMs,
  });
  return status ?? 1;
}
