import type { Moves } from "./transport.ts";

/** What a framed connection lends to whoever changes the way below it. */
export interface Line {
  /** Sends a word to the mover at the other end, behind all frames so far, and hands it over at once. Throws as `claim` does. */
  say(word: string): void;
  /** Hands over the frames that have gathered. */
  push(): void;
  /** True when no part of a frame has been read that is not whole. */
  clean(): boolean;
  /** The peer broke the rules, or, `lost`, this process cannot go on by the way that there is. */
  close(message: string, kind?: "lost"): void;
  /** The word that was waited for has come, or will not come any more. */
  heard(): void;
}

/** Changes the way below a framed connection, in agreement with the mover at the other end. */
export interface Mover extends Moves {
  /** Called once, before anything else. */
  attach(line: Line): void;
  /** A word of the mover at the other end. */
  word(word: string): void;
  /** A word is waited for, without which nothing is sent any more: it has to be heard, though the user has paused. */
  readonly waits?: boolean;
  /** Hands `bytes` over beside the frames, and returns the word that says so to the mover at the other end; undefined: it cannot. */
  lend?(bytes: Uint8Array): string | undefined;
  /** True when a word has told that the data of the next frame was handed over. */
  readonly owes?: boolean;
  /** That frame, with its data; undefined: it could not be had, and the connection is closed. */
  whole?(frame: Buffer): Buffer | undefined;
}
