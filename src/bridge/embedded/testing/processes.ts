import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Line, Order } from "./worker.ts";

/** How long a test waits for what a process is to say, in milliseconds: far more than it takes. */
const patienceMs = 60_000;

/** A process of its own that shares a folder, see `worker.ts`. */
export class Worker {
  readonly name: string;
  readonly pid: number;
  /** What it has said, as far as it has come here. */
  readonly lines: Line[] = [];
  readonly #journal: string;
  readonly #child: ChildProcess;
  #ended = false;
  readonly #watchers = new Set<() => void>();

  /** `journal`: a file that is not there yet. */
  constructor(address: string, name: string, journal: string, consumes: boolean) {
    this.name = name;
    this.#journal = journal;
    const path = new URL("./worker.ts", import.meta.url);
    this.#child = fork(path, [address, name, journal, consumes ? "consumes" : ""], {
      execArgv: process.execArgv.filter((each) => !each.startsWith("--test")),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.pid = this.#child.pid!;
    this.#child.on("message", (line: Line) => {
      this.lines.push(line);
      for (const look of this.#watchers) look();
    });
    this.#child.once("close", () => {
      this.#ended = true;
      for (const look of this.#watchers) look();
    });
  }

  /** Everything that it has ever said, killed or not. */
  journal(): readonly Line[] {
    const lines = readFileSync(this.#journal, "utf8").split("\n");
    return lines.filter((each) => each !== "").map((each) => JSON.parse(each) as Line);
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** Resolves when it has said so often what is wanted, or has ended. Rejects when that takes too long. */
  said(what: Line["say"], times: number = 1): Promise<void> {
    return this.until(() => this.lines.filter(({ say }) => say === what).length >= times, what);
  }

  until(reached: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.#ended && !reached()) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const late = (): void => reject(new Error(`${this.name} has not come to "${what}"`));
      const timer = setTimeout(late, patienceMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves when it says something more, or is gone. */
  news(): Promise<void> {
    const { length } = this.lines;
    return this.until(() => this.lines.length > length, "more");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it is gone, with all that it has said. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.until(() => this.#ended, "its end");
  }

  async close(): Promise<void> {
    if (!this.#ended) this.order({ order: "close" });
    await this.until(() => this.#ended, "its end");
  }
}

/** What all lines of all workers come to. */
export interface Account {
  readonly confirmed: ReadonlySet<string>;
  readonly failed: readonly string[];
  /** Acknowledged, by whom and when, in the order of time. */
  readonly acked: readonly { readonly id: string; readonly key: string; readonly at: number }[];
  /** Confirmed, and never with a consumer. */
  readonly lost: readonly string[];
  /** Acknowledged twice, or delivered again after it was acknowledged. */
  readonly doubled: readonly string[];
  /** Keys of which a message was first delivered after a later one. */
  readonly disordered: readonly string[];
}

export function accountOf(workers: readonly Worker[]): Account {
  const lines = workers.flatMap((each) => each.journal()).toSorted((a, b) => a.at - b.at);
  const confirmed = new Set<string>();
  const failed: string[] = [];
  const got = new Set<string>();
  const done = new Set<string>();
  const doubled = new Set<string>();
  const acked: { id: string; key: string; at: number }[] = [];
  const disordered = new Set<string>();
  const last = new Map<string, number>();
  for (const line of lines) {
    if (line.say === "confirmed") confirmed.add(line.id);
    if (line.say === "failed") failed.push(`${line.id}: ${line.text}`);
    if (line.say === "got") {
      if (done.has(line.id)) doubled.add(line.id);
      const number = Number(line.id.split("-").at(-1));
      if (!got.has(line.id)) {
        if (number < (last.get(line.key) ?? -1)) disordered.add(`${line.key}: ${number}`);
        last.set(line.key, number);
      }
      got.add(line.id);
    }
    if (line.say === "acked") {
      if (done.has(line.id)) doubled.add(line.id);
      done.add(line.id);
      acked.push(line);
    }
  }
  const lost = [...confirmed].filter((id) => !got.has(id));
  return { confirmed, failed, acked, lost, doubled: [...doubled], disordered: [...disordered] };
}
