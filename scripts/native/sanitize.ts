// `npm run native:sanitize [-- FILE…]`: runs the tests of the addon, and of what stands on it, with the addon compiled by the sanitizers
// of addresses and of undefined behaviour. Whatever they find, in any process, fails it. It works in a copy, so that nobody else is slowed down.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { compile, compilerHere } from "./addon.ts";

const root = join(import.meta.dirname, "../..");
const copy = join(root, ".cache/sanitized");
const findings = join(copy, "findings");
const endsWithinMs = 110_000;

const compiler = compilerHere();
const library = compiler === undefined ? undefined : libraryOf(compiler);
if (library === undefined) {
  console.log("there is no compiler here that has libasan (gcc has): nothing was tried");
  process.exitCode = 1;
} else process.exitCode = run(library);

function run(preload: string): number {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(findings, { recursive: true });
  for (const each of ["src", "package.json"])
    cpSync(join(root, each), join(copy, each), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const problem = compile({
    to: join(copy, "native/build/trunkline.node"),
    flags: ["-O1", "-g", "-fno-omit-frame-pointer", ...sanitizers],
  });
  if (problem !== undefined) {
    console.log(problem);
    return 1;
  }
  const given = process.argv.slice(2);
  const files =
    given.length > 0 ? given : globSync("src/{os,transport/shm}/**/*.test.ts", { cwd: copy });
  // Leaks are what the tests count themselves: what a sanitizer takes for one in Node is none. A fault of the test that asks for one is no finding.
  const common = `log_path=${join(findings, "report")}:halt_on_error=1:exitcode=86`;
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, "--test", "--test-concurrency=2", ...files.toSorted()],
    {
      cwd: copy,
      env: {
        ...process.env,
        LD_PRELOAD: preload,
        ASAN_OPTIONS: `${common}:detect_leaks=0:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1`,
        UBSAN_OPTIONS: `${common}:print_stacktrace=1`,
      },
      stdio: "inherit",
      timeout: endsWithinMs,
    },
  );
  const reports = globSync("*", { cwd: findings });
  for (const report of reports) console.log(readFileSync(join(findings, report), "utf8"));
  const tests = status === 0 ? "all tests passed" : "tests failed";
  console.log(`native:sanitize: ${files.length} files, ${tests}, ${reports.length} findings`);
  return status === 0 && reports.length === 0 ? 0 : 1;
}

/** Of the sanitizer of addresses; undefined: the compiler brings none. */
function libraryOf(name: string): string | undefined {
  const { stdout } = spawnSync(name, ["-print-file-name=libasan.so"], { encoding: "utf8" });
  const path = stdout.trim();
  return existsSync(path) ? path : undefined;
}
