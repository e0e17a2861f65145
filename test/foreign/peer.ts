import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Program } from "./toolchain.ts";

/** A program that has not said what it has to say after this long hangs. */
const endsWithinMs = 90_000;

/** What a client saw of one step: members as the programs print them. */
export interface Seen {
  readonly value?: unknown;
  readonly items?: readonly unknown[];
  readonly ended?: string;
  readonly error?: { readonly code: number; readonly message: string };
}

function start({ command, args }: Program, ...further: readonly string[]): ChildProcess {
  const child = spawn(command, [...args, ...further], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: endsWithinMs,
    killSignal: "SIGKILL",
  });
  child.stderr.setEncoding("utf8");
  return child;
}

/** A foreign server, once it listens; gone with the scope. */
export async function serving(
  program: Program,
  ...options: readonly string[]
): Promise<AsyncDisposable & { readonly port: number }> {
  const child = start(program, ...options);
  let complaints = "";
  child.stderr!.on("data", (text: string) => (complaints += text));
  const exited = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface(child.stdout!), "line"),
    exited.then(() => [""]),
  ])) as [string];
  const port = Number(line);
  if (!(port > 0)) throw new Error(`the server did not start: ${line} ${complaints}`);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Runs a foreign client against `port` to its end. */
export async function calling(
  program: Program,
  port: number,
  ...options: readonly string[]
): Promise<ReadonlyMap<string, Seen>> {
  const child = start(program, String(port), ...options);
  let [printed, complaints] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (printed += text));
  child.stderr!.on("data", (text: string) => (complaints += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0)
    throw new Error(
      `the client ended with ${code ?? signal}: ${complaints}\n${printed.slice(-2_000)}`,
    );
  const steps = new Map<string, Seen>();
  for (const line of printed.trimEnd().split("\n")) {
    const { step, ...seen } = JSON.parse(line) as Seen & { step: string };
    steps.set(step, seen);
  }
  return steps;
}
