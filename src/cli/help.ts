import type { Command, Option } from "./command.ts";
import { commands } from "./commands.ts";
import { table } from "./table.ts";

/** The options that all commands have. */
const everywhere: Readonly<Record<string, Option>> = {
  json: {
    about: "for programs: one object in each line; the last has `ok`",
  },
  help: { about: "this" },
};

/** What there is. */
export function overview(): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary]);
  return `Looks at running services, and asks them.

trunkline COMMAND …
${table(rows)}
trunkline COMMAND --help tells more, with examples. Most commands begin with
the ADDRESS at which a process listens: unix:./run/orders.sock

Exit codes:
  0  it went well                      4  it did not run: safe to try again
  1  this program failed               5  it may have run
  2  the command or its input is wrong 6  it ran and failed
  3  an error that the contract names  7  not serving (health)
                                       8  not as it should be (contract)
`;
}

/** One command, with its options and examples. */
export function helpOf({ name, summary, usage, about, options, examples }: Command): string {
  const rows = Object.entries({ ...options, ...everywhere }).map(([option, each]) => [
    `  --${option}${each.value === undefined ? "" : ` ${each.value}`}`,
    each.about,
  ]);
  const shown = examples.map((example) => `  $ trunkline ${example}\n`).join("");
  return `trunkline ${name}: ${summary}

trunkline ${name} ${usage}
${about === undefined ? "" : `\n${about}\n\n`}${table(rows)}
${shown}`;
}
