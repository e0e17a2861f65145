#!/usr/bin/env node
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { isatty } from "node:tty";
import { realEnv } from "../base/real-env.ts";
import { exitCodes } from "./exit-code.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

const { stdout, stderr, stdin, env, argv } = process;
const interruption = new AbortController();

process.on("SIGINT", () => {
  if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
  interruption.abort(new Error("interrupted"));
});
// Whoever read the output has seen enough: `trunkline … | head -1`.
stdout.on("error", () => process.exit(exitCodes.ok));

const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
const terminal: Terminal = {
  async print(text) {
    if (!stdout.write(text)) await once(stdout, "drain");
  },
  tell: (text) => void stderr.write(text),
  colours: isatty(1) && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  interactive: isatty(1),
  live: isatty(2),
  columns: stdout.columns ?? 80,
  input: () => buffer(stdin),
  interrupted: interruption.signal,
  env: realEnv(),
  version: (JSON.parse(manifest) as { readonly version: string }).version,
};

process.exitCode = await run(argv.slice(2), terminal);
