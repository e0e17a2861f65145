import type { Terminal } from "./terminal.ts";
import { count } from "./units.ts";

/** How wide a bar is: the same as long as the rest of the line leaves room for it. */
const barChars = { wide: 30, narrow: 10 };
const wideColumns = 100;
const barCharsMin = 5;
/** How often a line that a person watches is written anew, at most, in milliseconds. */
const everyMs = 100;

/** Writes a bar and what is told beside it over the line that a person watches. */
export function drawBar(terminal: Terminal, share: number, told: string): void {
  if (!terminal.live) return;
  // A line that is as wide as the terminal, or wider, cannot be written over.
  const room = terminal.columns - 1;
  const wanted = room < wideColumns ? barChars.narrow : barChars.wide;
  const left = Math.min(wanted, room - told.length - 2);
  const chars = left < barCharsMin ? 0 : left;
  const full = Math.round(share * chars);
  const bar = "█".repeat(full) + "░".repeat(chars - full);
  terminal.tell(`\r${` ${bar} ${told}`.slice(0, room)}\u001B[K`);
}

export function wipeBar(terminal: Terminal): void {
  if (terminal.live) terminal.tell("\r\u001B[K");
}

/** How far something long has come, for who watches it: nothing is told to programs. */
export class Progress {
  readonly #terminal: Terminal;
  #drawnAt = -Infinity;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `total` 0: nobody knows. `what`: what is counted, `messages`. */
  readonly at = (done: number, total: number, what: string): void => {
    const now = this.#terminal.env.now();
    if (now - this.#drawnAt < everyMs) return;
    this.#drawnAt = now;
    const share = total === 0 ? 0 : Math.min(1, done / total);
    const of = total === 0 ? "" : ` of ${count(total)}`;
    drawBar(this.#terminal, share, `${count(done)}${of} ${what}`);
  };

  end(): void {
    wipeBar(this.#terminal);
  }
}
