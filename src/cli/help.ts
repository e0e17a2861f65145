import type { Command, Option } from "./command.ts";
import { commands } from "./commands.ts";
import { table } from "./table.ts";

/** The options that all commands have. */
const everywhere: Readonly<Record<string, Option>> = {
  json: {
    about: "for programs: one object in a line, of a stream one for each item; the last has `ok`",
  },
  help: { about: "this" },
};

/** What there is. */
export function overview(): string {
  const rows = commands.map(({ name, usage, summary }) => [`  ${name}`, usage, summary]);
  return `Looks at running services, and asks them.

trunkline COMMAND …
${table(rows)}
trunkline COMMAND --help tells more. ADDRESS is where a process listens: unix:./run/orders.sock

Exit codes: 0 it went well · 2 the command line is wrong · 3 an error that the contract declares ·
4 it did not run (safe to try again) · 5 it may have run · 6 it ran and failed · 7 not serving
`;
}

/** One command, with its options and examples. */
export function helpOf({ name, summary, usage, options, examples }: Command): string {
  const rows = Object.entries({ ...options, ...everywhere }).map(([option, { value, about }]) => [
    `  --${option}${value === undefined ? "" : ` ${value}`}`,
    about,
  ]);
  const shown = examples.map((example) => `  $ trunkline ${example}\n`).join("");
  return `trunkline ${name}: ${summary}

trunkline ${name} ${usage}
${table(rows)}
${shown}`;
}
