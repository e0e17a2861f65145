import type { Terminal } from "./terminal.ts";

/** A cell, or one whose text stands at the right. */
export type Cell = string | { readonly right: string };

/** Rows with their columns under each other, two spaces between them; nothing at the ends of lines. */
export function table(rows: readonly (readonly Cell[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length);
    });
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column]!;
        return typeof cell === "string" ? cell.padEnd(width) : cell.right.padStart(width);
      });
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

/** The first text whose lines fit the terminal, else the last; the first where nobody's terminal bounds the lines. */
export function fitting(texts: Iterable<string>, { interactive, columns }: Terminal): string {
  let text = "";
  for (text of texts)
    if (!interactive || text.split("\n").every(({ length }) => length <= columns)) return text;
  return text;
}

/** Puts a line of its own under each row of a table that has something to say there. */
export function annotated(tableText: string, notes: readonly string[]): string {
  const lines = tableText.trimEnd().split("\n");
  return lines
    .map((line, row) => `${line}\n${(notes[row] ?? "") === "" ? "" : `      ${notes[row]}\n`}`)
    .join("");
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.right;
}
