#!/usr/bin/env node
import { once } from "node:events";
import { fstatSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { realEnv } from "../base/real-env.ts";
import { exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

const { stdout, stderr, stdin, env, argv } = process;
const interruption = new AbortController();

process.on("SIGINT", () => {
  if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
  interruption.abort(new Error("interrupted"));
});
// Whoever read the output has seen enough: `trunkline … | head -1`. A disk that is full is another matter.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.ok);
  stderr.write(`trunkline: standard output cannot be written: ${error.message}\n`);
  process.exit(exitCodes.failed);
});
stderr.on("error", () => {});

const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { readonly version: string; readonly engines: { readonly node: string } };
const [leastNode = ""] = /\d+/.exec(manifest.engines.node) ?? [];
if (Number.parseInt(process.versions.node, 10) < Number(leastNode)) {
  stderr.write(
    `trunkline: this is Node ${process.versions.node}, and Trunkline needs ${leastNode} or later\n`,
  );
  process.exit(exitCodes.failed);
}
// Only now: an older Node cannot even read what all the commands import.
const { run } = await import("./program.ts");

const terminal: Terminal = {
  async print(text) {
    if (stdout.write(text)) return;
    // Who reads no further does not keep Ctrl-C from ending it.
    await once(stdout, "drain", { signal: interruption.signal }).catch(() => {});
  },
  tell: (text) => void stderr.write(text),
  colours: isatty(1) && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  interactive: isatty(1),
  live: isatty(2),
  columns: stdout.columns ?? stderr.columns ?? 80,
  input() {
    // Node gives a folder as an empty file.
    if (fstatSync(0).isDirectory()) throw new Error("it is a folder");
    return stdin;
  },
  typed: isatty(0),
  interrupted: interruption.signal,
  env: realEnv(),
  version: manifest.version,
};

process.exitCode = await run(argv.slice(2), terminal);
// What was not read to its end, of a terminal too, must not keep the program.
stdin.destroy();
// Nor must what nobody reads, when it was interrupted.
if (interruption.signal.aborted && stdout.writableLength > 0) process.exit();
