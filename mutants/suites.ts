import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { root, type Mutant, type SuiteName } from "./mutant.ts";

/** A run that has not ended after so long hangs: the mutant is noticed. */
const timeoutMs = 90_000;

/** Enough for every suite; a mutant that lets the memory grow ends sooner. */
const heapMb = 1_024;

const tests: Readonly<Record<Exclude<SuiteName, "sim">, readonly string[]>> = {
  protocol: ["src/protocol/rsocket/*.test.ts"],
  client: ["src/call/*.test.ts", "src/testing/suites.test.ts"],
  testing: ["src/testing/*.test.ts"],
};

/** The seeds that a mutant has to survive. */
const seeds = 400;

export interface Verdict {
  readonly mutant: Mutant;
  readonly killed: boolean;
  /** What noticed it: the first failing test, or violation. */
  readonly how: string;
  readonly seconds: number;
}

/** Runs the suite against the mutant, until its first failure. */
export function judge(mutant: Mutant): Promise<Verdict> {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const startedAt = performance.now();
  const child = spawn(process.execPath, commandOf(mutant.killedBy), {
    cwd: root,
    env: { ...process.env, TRUNKLINE_MUTANT: mutant.name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let how: string | undefined;
  const notice = (what: string): void => {
    how ??= what;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => notice("hangs"), timeoutMs);
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-4_000);
      const failure = /^\s*(?:not ok \d+ - |✗ )(.*)$/m.exec(tail);
      if (failure !== null) notice(failure[1]!.slice(0, 100));
    });
  }
  child.on("close", (code) => {
    clearTimeout(timer);
    if (code !== 0) how ??= `ends with ${code}: ${tail.trim().split("\n").at(-1)?.slice(0, 100)}`;
    const seconds = (performance.now() - startedAt) / 1_000;
    resolve({ mutant, killed: how !== undefined, how: how ?? "", seconds });
  });
  return promise;
}

function commandOf(suite: SuiteName): string[] {
  const node = [
    "--conditions=@trunkline/source",
    `--max-old-space-size=${heapMb}`,
    "--import",
    join(root, "mutants/break.ts"),
  ];
  if (suite === "sim") return [...node, "sim/main.ts", "calls", "--seeds", String(seeds), "--bail"];
  const files = globSync([...tests[suite]], { cwd: root });
  return [...node, "--test", "--test-isolation=none", "--test-reporter=tap", ...files];
}
