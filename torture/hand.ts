import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { linesOf } from "./log.ts";
import { setTimeout as pause } from "node:timers/promises";

const root = join(import.meta.dirname, "..");

/** What a process is, and what it is told of its place. */
export interface Duty {
  /** The program, under `torture/`. It is given the arguments, its name and where to log. */
  readonly program: string;
  readonly name: string;
  readonly args: readonly string[];
  /** The folder of logs. */
  readonly logs: string;
  /** It kills itself now and then (SIGKILL), which is counted apart from what nobody meant. Default false. */
  readonly mortal?: boolean;
}

/** Characters that are kept of what a process complains about. */
export const complaintMax = 4_000;

/** All that run: nobody outlives who started him, however that ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a process. */
export function begin(duty: Duty, complains: (text: string) => void): ChildProcess {
  const { program, args, name } = duty;
  const child = spawn(
    process.execPath,
    [
      "--conditions=@trunkline/source",
      join(import.meta.dirname, program),
      ...args,
      name,
      logOf(duty),
    ],
    { cwd: root, stdio: ["ignore", "ignore", "pipe"] },
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.stderr.setEncoding("utf8").on("data", complains);
  return child;
}

/** Where a process logs. */
export function logOf({ logs, name }: Duty): string {
  return join(logs, `${name}.log`);
}

/** One process through its lives: killed, it is started again at once. */
export class Hand {
  readonly name: string;
  readonly log: string;
  readonly #duty: Duty;
  #child: ChildProcess | undefined;
  #wanted = true;
  /** What it said on stderr, the last of it. */
  complaint = "";
  /** Ends that nobody had asked for. */
  deaths = 0;
  /** Ends by its own hand, which were meant. */
  suicides = 0;
  #asked = false;

  constructor(duty: Duty) {
    this.#duty = duty;
    this.name = duty.name;
    this.log = logOf(duty);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#asked = false;
    const duty = this.#duty;
    const child = begin(duty, (text) => {
      this.complaint = `${this.complaint}${text}`.slice(-complaintMax);
    });
    this.#child = child;
    child.once("exit", (code, signal) => {
      if (!this.#asked && duty.mortal === true && signal === "SIGKILL") this.suicides++;
      else if (!this.#asked) {
        this.deaths++;
        this.complaint += `it ended by ${signal ?? code}\n`;
      }
      this.#child = undefined;
      if (this.#wanted) this.start();
    });
  }

  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void {
    if (signal === "SIGKILL" || signal === "SIGTERM") this.#asked = true;
    this.#child?.kill(signal);
  }

  /** Ends it at once and for good. */
  end(): void {
    this.#wanted = false;
    this.kill("SIGKILL");
  }

  /** Stops it in order; after `withinMs` it is killed, which is told by `false`. */
  async stop(withinMs: number): Promise<boolean> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined) return true;
    let orderly = true;
    const alarm = setTimeout(() => {
      orderly = false;
      child.kill("SIGKILL");
    }, withinMs);
    const ended = once(child, "exit");
    this.kill("SIGTERM");
    await ended;
    clearTimeout(alarm);
    return orderly;
  }
}

/** Resolves when all are at work. */
export async function begun(hands: readonly Hand[]): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    if (hands.every(({ log }) => linesOf(log).some(({ what }) => what === "up"))) return;
    if (performance.now() > until)
      throw new Error(`they do not begin: ${hands.map(({ complaint }) => complaint).join("\n")}`);
    await pause(50);
  }
}
