import { UsageError, type Line, type Option } from "../command.ts";
import type { Pattern, Trust } from "./facts.ts";
import type { Need } from "./recommend.ts";

/** The options that say what somebody needs. */
export const needOptions: Readonly<Record<string, Option>> = {
  size: { value: "BYTES", about: "of your messages: 200, 4k, 1m; default 64" },
  rate: { value: "N", about: "messages a second: 500, 20k; default 1k" },
  pattern: { value: "WHAT", about: "call, stream or event; default call" },
  durable: { about: "what was accepted must outlive the processes" },
  trust: { value: "WHOM", about: "same-user, other-user or container; default same-user" },
  related: { value: "yes|no", about: "one of the processes starts the other; default no" },
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
