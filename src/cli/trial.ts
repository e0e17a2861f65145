import { realEnv } from "../base/real-env.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/** What one command line came to. */
export interface Trial {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, for tests: on no terminal, with nothing at standard input. */
export async function trial(
  words: readonly string[],
  seen: Partial<Terminal> = {},
): Promise<Trial> {
  let [out, err] = ["", ""];
  const code = await run(words, {
    print: async (text) =>
      void (out += typeof text === "string" ? text : new TextDecoder().decode(text)),
    tell: (text) => void (err += text),
    colours: false,
    interactive: false,
    live: false,
    columns: 80,
    input: async function* input() {},
    typed: false,
    interrupted: new AbortController().signal,
    env: realEnv(),
    version: "0.0.0",
    ...seen,
  });
  return { code, out, err };
}
