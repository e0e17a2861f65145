import { basename, dirname, join } from "node:path";

import type { Random } from "../../base/random.ts";

/**
 * What is said at the pipe that has the address: who dials writes a word and the end of a line, less than PIPE_BUF, so that it is never
 * mixed with that of another. The word names two pipes in the same folder. Who listens answers by one byte on one of them.
 */
export const yes = "y";
export const no = "n";

/** What follows each word. Alone it asks whether anybody still reads. */
export const lineEnd = "\n";

/** Some 2^64 of them: nobody meets another's by chance, and who guesses one gains nothing, because modes decide. */
export function newWord(random: Random): string {
  const part = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(36)
      .padStart(wordLength / 2, "0");
  return part() + part();
}

const wordLength = 14;
const wordForm: RegExp = /^[0-9a-z]{14}$/;

/** The two pipes of a connection, as seen by who dials: up is written, down is read. Undefined: it is no word. */
export function pipesOf(path: string, word: string): { up: string; down: string } | undefined {
  if (!wordForm.test(word)) return undefined;
  const base = join(dirname(path), `.${basename(path)}.${word}`);
  return { up: `${base}.up`, down: `${base}.down` };
}

/** The pipes of connections of this address among the names of its folder. */
export function pipesAmong(path: string, names: readonly string[]): string[] {
  const prefix = `.${basename(path)}.`;
  return names
    .filter((name) => name.startsWith(prefix))
    .filter((name) => /^[0-9a-z]{14}\.(up|down)$/.test(name.slice(prefix.length)))
    .map((name) => join(dirname(path), name));
}
