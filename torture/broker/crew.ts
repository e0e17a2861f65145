import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** One process through its lives: killed, it is started again at once. */
export class Hand {
  readonly name: string;
  readonly log: string;
  readonly #program: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #wanted = true;
  /** What it said on stderr, the last of it. */
  complaint = "";
  /** Ends that nobody had asked for. */
  deaths = 0;
  #asked = false;

  constructor(program: "publisher" | "consumer", index: number, folder: string, logs: string) {
    this.name = `${program}-${index}`;
    this.#program = program;
    this.#folder = folder;
    this.log = join(logs, `${this.name}.log`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#asked = false;
    const program = join(import.meta.dirname, `${this.#program}.ts`);
    const child = spawn(
      process.execPath,
      ["--conditions=@trunkline/source", program, this.#folder, this.name, this.log],
      { cwd: root, stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#child = child;
    child.stderr.on("data", (text: Buffer) => {
      this.complaint = `${this.complaint}${text.toString()}`.slice(-4_000);
    });
    child.once("exit", () => {
      if (!this.#asked) this.deaths++;
      this.#child = undefined;
      if (this.#wanted) this.start();
    });
  }

  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void {
    if (signal === "SIGKILL" || signal === "SIGTERM") this.#asked = true;
    this.#child?.kill(signal);
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
