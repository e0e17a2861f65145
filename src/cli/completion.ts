import type { Command } from "./command.ts";
import { UsageError } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

const shells: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
};

/** Prints the script by which a shell completes the words of the other commands. */
export function completion(others: readonly Command[]): Command {
  const own: Command = {
    name: "completion",
    summary: "print a completion script for a shell",
    usage: Object.keys(shells).join(" | "),
    options: {},
    words: Object.keys(shells),
    examples: [
      "completion bash >> ~/.bashrc",
      `completion zsh > "\${fpath[1]}/_trunkline"`,
      "completion fish > ~/.config/fish/completions/trunkline.fish",
    ],
    async run(line) {
      const shell = line.word(0, "the name of the shell");
      line.atMost(1);
      if (!Object.hasOwn(shells, shell))
        throw new UsageError(`there is no completion for "${shell}", only for ${own.usage}`);
      await line.terminal.print(shells[shell]!([...others, own]));
      return exitCodes.ok;
    },
  };
  return own;
}

function optionsOf({ options }: Command): string[] {
  return [...Object.keys(options), "json", "help"].map((name) => `--${name}`);
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${[...(command.words ?? []), ...optionsOf(command)].join(" ")}" ;;`,
  );
  return `# trunkline: completion for bash
_trunkline() {
  local words="${commands.map(({ name }) => name).join(" ")}"
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _trunkline trunkline
`;
}

function zsh(commands: readonly Command[]): string {
  const names = commands.map(
    ({ name, summary }) => `    '${name}:${quoted(summary).replaceAll(":", "\\:")}'`,
  );
  const cases = commands.map(
    (command) =>
      `    ${command.name}) compadd -- ${[...(command.words ?? []), ...optionsOf(command)].join(" ")} ;;`,
  );
  return `#compdef trunkline
_trunkline() {
  local -a commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${cases.join("\n")}
  esac
}
compdef _trunkline trunkline
# Loaded from a folder of functions, this file is the function itself the first time.
if [ "$funcstack[1]" = "_trunkline" ]; then _trunkline; fi
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const seen = `-n '__fish_seen_subcommand_from ${command.name}'`;
    const own = Object.entries(command.options).map(
      ([name, { about, value }]) =>
        `complete -c trunkline ${seen} -l ${name}${value === undefined ? "" : " -r"} -d '${quoted(about)}'`,
    );
    const words = (command.words ?? []).map((word) => `complete -c trunkline ${seen} -a ${word}`);
    return [
      `complete -c trunkline -n __fish_use_subcommand -a ${command.name} -d '${quoted(command.summary)}'`,
      ...own,
      ...words,
    ];
  });
  return `# trunkline: completion for fish
complete -c trunkline -f
${lines.join("\n")}
complete -c trunkline -l json -d 'for programs'
complete -c trunkline -l help -d 'what there is, with examples'
`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "");
}
