// `npm test [-- FILE… OPTION…]`: builds, then runs every test there is, the steps of `npm run check`
// among them. It ends as node's test runner ends.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const testTimeoutMs = 10 * 60_000;
const everything = ["{src,tidy,test,demo,sim,bench,fuzz,mutants}/**/*.test.ts"];

const args = process.argv.slice(2);
const options = args.filter((arg) => arg.startsWith("-"));
const files = args.filter((arg) => !arg.startsWith("-"));

process.exitCode = node(["scripts/build.ts"]);
if (process.exitCode === 0) {
  process.exitCode = node([
    "--test",
    "--test-reporter=spec",
    "--test-concurrency=2",
    `--test-timeout=${testTimeoutMs}`,
    ...options,
    ...(files.length === 0 ? everything : files),
  ]);
}

function node(command: string[]): number {
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...command], {
    cwd: root,
    stdio: "inherit",
  });
  return status ?? 1;
}
