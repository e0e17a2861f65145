// The code blocks of a page, as CONTRIBUTING.md describes them.

export interface Page {
  readonly path: string;
  /** The TypeScript files that the page shows, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** The commands that the page shows together with what they print, in order. */
  readonly commands: readonly Command[];
  /** Those of its transcripts in which other programs run, whole, in order. */
  readonly transcripts: readonly string[];
}

export interface Command {
  /** `$ node FILE`, and with `&` at its end: it runs beside the commands that follow. */
  readonly file: string;
  readonly background: boolean;
  readonly prints: string;
}

export function pageOf(path: string, markdown: string): Page {
  const files = new Map<string, string>();
  const commands: Command[] = [];
  const transcripts: string[] = [];
  for (const { info, text } of blocksOf(markdown)) {
    if (info === "ts") {
      const name =
        /^\/\/ (?:file: )?([\w./-]+\.ts)\b/.exec(text)?.[1] ?? `block-${files.size + 1}.ts`;
      if (files.has(name)) throw new Error(`${path} shows two files named ${name}; rename one`);
      files.set(name, text);
    } else if (info === "console") {
      const shown = commandsOf(text);
      if (shown.length === 0) transcripts.push(text);
      commands.push(...shown);
    }
  }
  return { path, files, commands, transcripts };
}

function blocksOf(markdown: string): { info: string; text: string }[] {
  const blocks = markdown.matchAll(/^(```+)([^\n]*)\n([^]*?)^\1[ \t]*$/gm);
  return [...blocks].map(([, , info = "", text = ""]) => ({ info: info.trim(), text }));
}

/** The commands of a transcript; none if it shows another command than `node FILE`. */
function commandsOf(transcript: string): Command[] {
  const commands: Command[] = [];
  for (const line of transcript.split(/(?<=\n)/)) {
    const command = /^\$ node ([\w./-]+\.ts)( &)?\s*$/.exec(line);
    if (command !== null) {
      commands.push({ file: command[1]!, background: command[2] !== undefined, prints: "" });
    } else if (line.startsWith("$") || commands.length === 0) {
      return [];
    } else {
      const last = commands.pop()!;
      commands.push({ ...last, prints: last.prints + line });
    }
  }
  return commands;
}
