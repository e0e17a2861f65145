import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface Ended {
  /** Null: a signal ended it, or it was never there. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without a shell. Never rejects. */
export async function command(
  program: string,
  words: readonly string[],
  input: string | Buffer = "",
): Promise<Ended> {
  const child = spawn(program, words, { stdio: "pipe" });
  const code = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", resolve);
  });
  // Whoever reads no input has closed it.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** The same; gives what was printed, and throws when it did not end well. */
export async function printed(
  program: string,
  words: readonly string[],
  input: string | Buffer = "",
): Promise<string> {
  const { code, stdout, stderr } = await command(program, words, input);
  if (code === 0) return stdout;
  throw new Error(`${program} ${words.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
}
