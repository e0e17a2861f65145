import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { begin, complaintMax, logOf, type Duty } from "../hand.ts";
import { linesOf, type Line } from "../log.ts";
import type { VictimTerms } from "./traffic.ts";

/** How a victim ended. */
export interface Ended {
  readonly terms: VictimTerms;
  /** `missed`: it ended of itself before it came to its point. */
  readonly how: "at its point" | "from outside" | "missed";
}

/** What nobody comes to in this time, in milliseconds, is not coming: the machine may be busy. */
const patienceMs = 30_000;
/** When who is killed from outside is, after it began, in milliseconds. */
const outsideMs = { least: 150, more: 300 } as const;

/** A process that is to die. */
export class Victim {
  readonly terms: VictimTerms;
  /** When it has ended, however that was. */
  readonly ended: Promise<void>;
  readonly #duty: Duty;
  readonly #child: ChildProcess;
  #complaint = "";
  #how: Ended["how"] = "missed";
  #over = false;
  hung = false;

  constructor(terms: VictimTerms, logs: string, random: () => number) {
    this.terms = terms;
    this.#duty = {
      program: "mmap/victim.ts",
      name: terms.victim,
      args: [JSON.stringify(terms)],
      logs,
    };
    this.#child = begin(this.#duty, (text) => {
      this.#complaint = (this.#complaint + text).slice(-complaintMax);
    });
    this.ended = this.#watch();
    if (terms.point === undefined) this.endSoon(outsideMs.least + random() * outsideMs.more);
  }

  get result(): Ended {
    return { terms: this.terms, how: this.#how };
  }

  get lines(): Line[] {
    return linesOf(logOf(this.#duty));
  }

  /** What it complained about, unless it was killed. */
  get told(): string[] {
    if (this.hung) return [`${this.terms.victim} did not end`];
    return this.#complaint === "" ? [] : [`${this.terms.victim} said: ${this.#complaint}`];
  }

  /** Resolves when it is at work, or has ended. */
  async up(): Promise<void> {
    while (!this.#over && !this.lines.some(({ what }) => what === "up")) await pause(10);
  }

  /** Kills it after so many milliseconds, unless it has ended. */
  endSoon(ms: number): void {
    void pause(ms, undefined, { ref: false }).then(() => {
      if (this.#over) return;
      this.#how = "from outside";
      this.#child.kill("SIGKILL");
    });
  }

  async #watch(): Promise<void> {
    const exited = once(this.#child, "exit");
    const alarm = setTimeout(() => {
      this.hung = true;
      this.#child.kill("SIGKILL");
    }, patienceMs);
    const [, signal] = (await exited) as [number | null, NodeJS.Signals | null];
    clearTimeout(alarm);
    this.#over = true;
    if (signal === "SIGKILL" && this.#how === "missed" && !this.hung) this.#how = "at its point";
  }
}
