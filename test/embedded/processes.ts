import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openBroker, realEnv } from "trunkline";
import { fromSource } from "../program.ts";
import { work, type Line, type Order } from "./lines.ts";

/** Processes that share a folder, and what all of them have said. */
export class Scene {
  readonly folder: string;
  readonly workers: Worker[] = [];
  readonly #root: string;
  #look: (() => void) | undefined;

  constructor(context: TestContext) {
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), "trunkline-file-")));
    this.folder = join(this.#root, "data");
    context.after(async () => {
      await Promise.all(this.workers.map((each) => each.kill()));
      rmSync(this.#root, { recursive: true, force: true });
    });
  }

  async start(name: string, waitMs: number = 30_000): Promise<Worker> {
    const journal = join(this.#root, `${name}.jsonl`);
    const worker = new Worker(`file:${this.folder}`, name, journal, waitMs, () => this.#look?.());
    this.workers.push(worker);
    await worker.said("open");
    return worker;
  }

  /** The process that owns the folder, as it has written down itself. */
  owner(): Worker {
    const note = JSON.parse(readFileSync(join(this.folder, "owner.json"), "utf8")) as {
      readonly pid: number;
    };
    return this.workers.find((each) => each.pid === note.pid)!;
  }

  /** Resolves when nothing waits any more. Who was killed may have acknowledged what it could not say any more. */
  async handled(): Promise<void> {
    await using broker = await openBroker(`file:${this.folder}`, { name: "test" }, realEnv());
    for (;;) {
      const news = new Promise<void>((resolve) => (this.#look = resolve));
      const { waiting } = await broker.lag(work, undefined);
      if (waiting === 0) return;
      await news;
    }
  }
}

/** One of them, see `worker.ts`. */
export class Worker {
  readonly name: string;
  readonly pid: number;
  ended = false;
  readonly #counts = new Map<Line["say"], number>();
  readonly #journal: string;
  readonly #child: ChildProcess;
  #look: (() => void) | undefined;

  constructor(address: string, name: string, journal: string, waitMs: number, news: () => void) {
    this.name = name;
    this.#journal = journal;
    const path = join(import.meta.dirname, "worker.ts");
    this.#child = fork(path, [address, name, journal, String(waitMs)], {
      execArgv: fromSource,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.pid = this.#child.pid!;
    this.#child.on("message", (line: Line) => {
      this.#counts.set(line.say, this.#count(line.say) + 1);
      news();
      this.#look?.();
    });
    this.#child.once("close", () => {
      this.ended = true;
      this.#look?.();
    });
  }

  #count(what: Line["say"]): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Everything that it has ever said, killed or not. */
  journal(): readonly Line[] {
    const lines = readFileSync(this.#journal, "utf8").split("\n");
    return lines.filter((each) => each !== "").map((each) => JSON.parse(each) as Line);
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** Resolves when it has said so often what is wanted, since it began, or has ended. */
  async said(what: Line["say"], times: number = 1): Promise<void> {
    while (!this.ended && this.#count(what) < times) await this.#news();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    while (!this.ended) await this.#news();
  }

  async close(): Promise<void> {
    this.order({ order: "close" });
    while (!this.ended) await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#look = resolve));
  }
}

/** What all lines of all workers come to. */
export interface Account {
  readonly confirmed: number;
  readonly failed: readonly string[];
  /** Confirmed, and never with a consumer. */
  readonly lost: readonly string[];
  /** Acknowledged, and then delivered again, by whomever. */
  readonly doubled: readonly string[];
  /** First delivered after a later one of their key. */
  readonly disordered: readonly string[];
  /** Delivered more than once, though perhaps never acknowledged before that. */
  readonly again: readonly string[];
}

export function accountOf(workers: readonly Worker[]): Account {
  const lines = workers.flatMap((each) => each.journal()).toSorted((a, b) => a.at - b.at);
  const confirmed = new Set<string>();
  const failed: string[] = [];
  const [got, acked] = [new Set<string>(), new Set<string>()];
  const [doubled, disordered, again] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const last = new Map<string, number>();
  for (const line of lines) {
    if (line.say === "confirmed") confirmed.add(line.id);
    else if (line.say === "failed") failed.push(`${line.id}: ${line.text}`);
    else if (line.say === "acked") acked.add(line.id);
    else if (line.say === "got") {
      const number = Number(line.id.split("-").at(-1));
      if (acked.has(line.id)) doubled.add(line.id);
      if (got.has(line.id)) again.add(line.id);
      else {
        if (number < (last.get(line.key) ?? -1)) disordered.add(line.id);
        last.set(line.key, number);
      }
      got.add(line.id);
    }
  }
  const lost = [...confirmed].filter((id) => !got.has(id));
  const told = { lost, doubled: [...doubled], disordered: [...disordered], again: [...again] };
  return { confirmed: confirmed.size, failed, ...told };
}
