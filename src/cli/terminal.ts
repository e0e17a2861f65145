import { styleText } from "node:util";
import type { Env } from "../base/env.ts";

/** What a command sees of the machine; the program's only way to the process. */
export interface Terminal {
  /** Writes to standard output what programs may read; resolves when there is room for more. */
  print(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error what only people read. */
  tell(text: string): void;
  /** Standard output shows colours. */
  readonly colours: boolean;
  /** A person reads standard output. */
  readonly interactive: boolean;
  /** A person reads standard error: lines may be written over. */
  readonly live: boolean;
  /** Of whichever of the two a person reads; 80 where nobody does. */
  readonly columns: number;
  /** Standard input as it arrives; read no further than it is asked for, and once. */
  input(): AsyncIterable<Uint8Array>;
  /** A person types standard input. */
  readonly typed: boolean;
  /** Aborts when somebody presses Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly env: Env;
  readonly version: string;
}

export type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** The text in a style where colours are shown, else the text. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.colours ? styleText(style, text, { validateStream: false }) : text;
}

/** Resolves when it aborts, or at once when it has. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** One line of JSON, for programs. */
export function printJson(terminal: Terminal, value: unknown): Promise<void> {
  return terminal.print(`${JSON.stringify(value)}\n`);
}
