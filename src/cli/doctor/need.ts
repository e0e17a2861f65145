import { UsageError, type Line, type Option } from "../command.ts";
import type { Pattern, Trust } from "./facts.ts";
import type { Need } from "./recommend.ts";

/** The options that say what somebody needs. */
export const needOptions: Readonly<Record<string, Option>> = {
  size: { value: "BYTES", about: "measure: of your messages, as in 200, 4k or 1m; default 64" },
  rate: { value: "N", about: "measure: messages a second, as in 500 or 20k; default 1k" },
  pattern: { value: "WHAT", about: "measure: call, stream or event; default call" },
  durable: { about: "measure: what was accepted must outlive the processes" },
  trust: { value: "WHOM", about: "measure: same-user, other-user or container; default same-user" },
  related: { value: "yes|no", about: "measure: one of the processes starts the other; default no" },
};

const patterns: readonly Pattern[] = ["call", "stream", "event"];
const trusts: readonly Trust[] = ["same-user", "other-user", "container"];

/** What the command line says of it. */
export function needOf(line: Line): Need {
  return {
    sizeBytes: quantity(line, "size", 1_024) ?? 64,
    rate: quantity(line, "rate", 1_000) ?? 1_000,
    pattern: oneOf(line, "pattern", patterns) ?? "call",
    durable: line.on("durable"),
    trust: oneOf(line, "trust", trusts) ?? "same-user",
    related: oneOf(line, "related", ["yes", "no"] as const) === "yes",
  };
}

/** `4k` is four times `unit`, `2m` two times its square. */
function quantity(line: Line, name: string, unit: number): number | undefined {
  const text = line.text(name);
  if (text === undefined) return undefined;
  const [, digits, letter = ""] = /^(\d{1,9})([km]?)$/i.exec(text) ?? [];
  if (digits === undefined)
    throw new UsageError(`--${name} takes a number as in 200, 4k or 1m, not "${text}"`);
  return Number(digits) * unit ** ["", "k", "m"].indexOf(letter.toLowerCase());
}

function oneOf<Word extends string>(
  line: Line,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = line.text(name);
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found === undefined)
    throw new UsageError(`--${name} is one of ${words.join(", ")}, not "${text}"`);
  return found;
}
