import { spawn } from "node:child_process";
import { once } from "node:events";

const endsWithinMs = 5 * 60_000;

/** For Node: `trunkline` is the library's sources. */
export const fromSource = ["--conditions=@trunkline/source"];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number | undefined;
  readonly ended: Promise<Ended>;
  /** Resolves when it has printed as many characters to stdout, or has ended. */
  printed(characters: number): Promise<void>;
  /** Its first line, when it has printed that; fails when it has ended without. */
  line(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a program that must end soon; what takes longer than five minutes hangs, and is killed. */
export function start(command: string, args: readonly string[], cwd: string): Program {
  // Or else a test runner that is started would think itself a part of this one, and stay silent.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: endsWithinMs,
    killSignal: "SIGKILL",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
  child.on("error", reject);
  child.on("close", (code) => resolve({ code, stdout, stderr }));
  return {
    pid: child.pid,
    ended,
    async line() {
      while (!stdout.includes("\n")) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(stderr);
        await Promise.race([once(child.stdout, "data"), ended]);
      }
      return stdout.slice(0, stdout.indexOf("\n"));
    },
    async printed(characters) {
      while (stdout.length < characters && child.exitCode === null && child.signalCode === null) {
        await Promise.race([once(child.stdout, "data"), ended]);
      }
    },
    kill: (signal) => void child.kill(signal),
  };
}
