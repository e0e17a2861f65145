// Reads the sources just far enough to judge their shape: what is code, and what it imports.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

export interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the contents of strings blanked; every character keeps its place. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As it is written: `../base/error.ts`, `node:net`, `zod`. */
  readonly target: string;
  /** For a relative target the path from the root of the repository. */
  readonly path: string | undefined;
  /** `import()`: reached only when it is called. */
  readonly dynamic: boolean;
}

export interface Tree {
  readonly sources: readonly Source[];
  /** Paths of all files, those that are no sources too. */
  readonly files: ReadonlySet<string>;
}

const sourceName = /\.(ts|mjs)$/;
const outside = new Set(["node_modules", "dist", ".cache", ".git", "coverage"]);

export function treeOf(files: Readonly<Record<string, string>>): Tree {
  const sources = Object.entries(files)
    .filter(([path]) => sourceName.test(path))
    .map(([path, text]) => sourceOf(path, text));
  return { sources, files: new Set(Object.keys(files)) };
}

export function readTree(root: string): Tree {
  const files: Record<string, string> = {};
  const read = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory() && !outside.has(entry.name)) read(path);
      else if (entry.isFile()) {
        files[path] = sourceName.test(path) ? readFileSync(join(root, path), "utf8") : "";
      }
    }
  };
  read("");
  return treeOf(files);
}

function sourceOf(path: string, text: string): Source {
  const code = codeOf(text);
  return { path, text, code, imports: importsOf(path, text, code) };
}

/** Finds the imports in the code, where strings are blank, and reads their targets in the text. */
function importsOf(path: string, text: string, code: string): Import[] {
  const pattern = /\b(?:import|export)\b[^;'"`()]*?\bfrom\s*(["'])|\bimport\s*(\(?)\s*(["'])/g;
  return [...code.matchAll(pattern)].map((match) => {
    const start = match.index + match[0].length;
    const target = text.slice(start, text.indexOf(match[1] ?? match[3] ?? "", start));
    return {
      target,
      path: target.startsWith(".") ? posix.join(posix.dirname(path), target) : undefined,
      dynamic: match[2] === "(",
    };
  });
}

/**
 * Blanks comments, strings, templates and regular expressions; code within `${}` stays. A slash
 * begins a regular expression where a value cannot have ended; that is right for code as we write it.
 */
export function codeOf(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|`|[{}]|\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/g;
  // Braces that are open; true: that of a template's `${`, after which its text goes on.
  const braces: boolean[] = [];
  let code = "";
  let at = 0;
  const keep = (end: number): void => void ([code, at] = [code + text.slice(at, end), end]);
  const blank = (end: number): void => {
    code += text.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  };
  const template = (): void => {
    const end = /(?:\\[^]|\$(?!\{)|[^\\`$])*/y;
    end.lastIndex = at;
    end.test(text);
    blank(end.lastIndex);
    if (text[at] === "$") braces.push(true);
    keep(at + (text[at] === "$" ? 2 : 1));
  };
  for (let match = next(); match !== null; match = next()) {
    const [found] = match;
    const end = match.index + found.length;
    keep(match.index);
    if (found === "`") {
      keep(end);
      template();
    } else if (found === "{") {
      braces.push(false);
      keep(end);
    } else if (found === "}") {
      keep(end);
      if (braces.pop() === true) template();
    } else if (found.startsWith("//") || found.startsWith("/*")) {
      blank(end);
    } else if (found.startsWith("/")) {
      if (valueEnded(code)) keep(at + 1);
      else blank(end);
    } else {
      keep(at + 1);
      blank(end - 1);
      keep(end);
    }
  }
  keep(text.length);
  return code;

  function next(): RegExpExecArray | null {
    token.lastIndex = at;
    return token.exec(text);
  }
}

/** Whether a slash that comes now divides. */
function valueEnded(code: string): boolean {
  return (
    /[\w$)\]]\s*$/.test(code) && !/\b(return|typeof|case|in|of|void|await|yield)\s*$/.test(code)
  );
}
