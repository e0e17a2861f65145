import { milliseconds, type Duration } from "../base/duration.ts";
import type { Terminal } from "./terminal.ts";

/** One word of the command line: `trunkline NAME …`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name: `ADDRESS SERVICE.OPERATION [JSON]`. */
  readonly usage: string;
  /** More about what follows, for its own help; at most a few lines. */
  readonly about?: string;
  /** Beside `--json` and `--help`, which all have. */
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  /** The words that may follow, for completion; most commands take an address. */
  readonly words?: readonly string[];
  /** Resolves with the exit code. */
  run(line: Line): Promise<number>;
}

export interface Option {
  /** What the value is, in capitals; absent: a switch. */
  readonly value?: string;
  /** It may be given several times. */
  readonly multiple?: boolean;
  readonly about: string;
}

/** What was written after the name of a command. */
export class Line {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly #usage: string;
  readonly #words: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(
    { name, usage }: Pick<Command, "name" | "usage">,
    terminal: Terminal,
    words: readonly string[],
    values: Readonly<Record<string, unknown>>,
  ) {
    this.#usage = `trunkline ${name} ${usage}`;
    this.terminal = terminal;
    this.json = values["json"] === true;
    this.#words = words;
    this.#values = values;
  }

  /** The word at `index`; `what` names it when it is missing. */
  word(index: number, what: string): string {
    const word = this.#words[index];
    if (word === undefined) throw new UsageError(`${what} is missing\n  ${this.#usage}`);
    return word;
  }

  optionalWord(index: number): string | undefined {
    return this.#words[index];
  }

  /** Refuses words that nobody reads. */
  atMost(count: number): void {
    const extra = this.#words[count];
    if (extra !== undefined)
      throw new UsageError(`nobody expects ${JSON.stringify(extra)} there\n  ${this.#usage}`);
  }

  on(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] as readonly string[] | undefined) ?? [];
  }

  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return milliseconds(text as Duration);
    } catch {
      throw new UsageError(`--${name} takes a duration, as in 200ms, 5s or 2m, not "${text}"`);
    }
  }

  /** A whole number from 1 on. */
  number(name: string, absent: number): number {
    const text = this.text(name);
    if (text === undefined) return absent;
    if (!/^[1-9]\d{0,6}$/.test(text))
      throw new UsageError(`--${name} takes a number, not "${text}"`);
    return Number(text);
  }
}

/** The command line itself is wrong: nothing was done. */
export class UsageError extends Error {}
