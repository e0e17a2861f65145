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

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.right;
}
