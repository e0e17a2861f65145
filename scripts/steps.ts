// What `npm run check` checks. `npm test` runs the same table, each step as a test.
import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const stepEndsWithinMs = 5 * 60_000;
const unitTestFileEndsWithinS = 60;

export interface Step {
  readonly name: string;
  /** The arguments of Node. */
  readonly command: readonly string[];
  /** The step whose result this one reads. */
  readonly after?: string;
  /** What to do when it fails and its own output does not say so. */
  readonly repair?: string;
}

/** The slow ones first: they run side by side. */
export const steps: readonly Step[] = [
  { name: "unit tests", command: tests(unitTestFileEndsWithinS, 2, "src/**/*.test.ts") },
  { name: "build", command: ["scripts/build.ts"] },
  { name: "types", command: ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"] },
  { name: "lint", command: ["node_modules/oxlint/bin/oxlint", "--type-aware"] },
  { name: "tidy", command: tests(unitTestFileEndsWithinS, 2, "tidy/*.test.ts") },
  {
    name: "dead code",
    command: ["node_modules/knip/bin/knip.js"],
    repair: "remove what nothing uses; what is used in a way knip cannot see goes into knip.json",
  },
  {
    name: "format",
    command: ["node_modules/oxfmt/bin/oxfmt", "--check"],
    repair: "npm run format",
  },
  {
    name: "package",
    command: ["node_modules/publint/src/cli.js", "--strict"],
    after: "build",
  },
];

/** Node's test runner, with a watchdog over each file. */
export function tests(fileEndsWithinS: number, concurrency: number, ...args: string[]): string[] {
  const watchdog = ["--import", `./scripts/watchdog.ts?seconds=${fileEndsWithinS}`];
  const runner = ["--test", "--test-reporter=spec", `--test-concurrency=${concurrency}`];
  return [...watchdog, ...runner, ...args];
}

export interface Result {
  readonly step: Step;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

export function run(step: Step): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const started = performance.now();
  const child = spawn(process.execPath, [...process.execArgv, ...step.command], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: stepEndsWithinMs,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  child.on("close", (code, signal) => {
    if (signal !== null) output += `\nended by ${signal}; a step has ${stepEndsWithinMs / 1000} s`;
    resolve({ step, ok: code === 0, seconds: (performance.now() - started) / 1000, output });
  });
  return promise;
}
