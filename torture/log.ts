import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/**
 * What a process writes of itself: each line with one system call, so that all of it is there when the process is killed. Instants are
 * those of the monotonic clock, which all processes of a host share.
 */
export class Log {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  write(...words: readonly (string | number)[]): void {
    writeSync(this.#file, `${process.hrtime.bigint()} ${words.join(" ")}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** One line: when, what, and about what. */
export interface Line {
  readonly at: bigint;
  readonly what: string;
  readonly rest: readonly string[];
}

/** The whole lines of a log; none where there is no log. */
export function linesOf(path: string): Line[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [at = "", what = "", ...rest] = line.split(" ");
      return { at: BigInt(at), what, rest };
    });
}
