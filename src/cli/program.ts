import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { didYouMean } from "./closest.ts";
import { Line, UsageError, type Command } from "./command.ts";
import { commands } from "./commands.ts";
import { exitCodes } from "./exit-code.ts";
import { tellFailure } from "./failure.ts";
import { helpOf, overview } from "./help.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line; resolves with the exit code, and never rejects. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const json = words.includes("--json");
  try {
    return await begin(words, terminal);
  } catch (error) {
    return tellFailure(error, terminal, json);
  }
}

async function begin([name, ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === "--version") {
    await terminal.print(`${terminal.version}\n`);
    return exitCodes.ok;
  }
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    const about = rest[0];
    await terminal.print(about === undefined ? overview() : helpOf(commandNamed(about)));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = commandNamed(name);
  const { positionals, values } = parsed(command, rest);
  if (values["help"] === true) {
    await terminal.print(helpOf(command));
    return exitCodes.ok;
  }
  return command.run(new Line(command, terminal, positionals, values));
}

function commandNamed(name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name);
  throw new UsageError(`there is no command "${name}"; ${didYouMean(name, names)}`);
}

function parsed(
  command: Command,
  args: readonly string[],
): { readonly positionals: readonly string[]; readonly values: Readonly<Record<string, unknown>> } {
  const options: ParseArgsOptionsConfig = {
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  };
  for (const [name, { value, multiple = false }] of Object.entries(command.options))
    options[name] = { type: value === undefined ? "boolean" : "string", multiple };
  try {
    return parseArgs({ args: numbersApart(args, options), options, allowPositionals: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const [, unknown] = /^Unknown option '(-[^ ']*)/.exec(why) ?? [];
    const names = Object.keys(options).map((name) => `--${name}`);
    const said =
      unknown === undefined ? why : `there is no option ${unknown}; ${didYouMean(unknown, names)}`;
    throw new UsageError(`${said}\n  trunkline ${command.name} --help shows what there is`);
  }
}

/** A number below zero is JSON, not an option: no option begins with a digit. */
function numbersApart(args: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const end = args.indexOf("--");
  const [own, rest] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)];
  const before: string[] = [];
  const numbers: string[] = [];
  for (const arg of own) {
    const option = before.at(-1)?.replace(/^--/, "");
    if (!/^-\d/.test(arg)) before.push(arg);
    else if (option !== undefined && options[option]?.type === "string")
      before.push(`${before.pop()}=${arg}`);
    else numbers.push(arg);
  }
  return [...before, "--", ...numbers, ...rest];
}
