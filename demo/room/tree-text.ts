import { processesOf, type Branch, type CallTree } from "./call-tree.ts";

/** A row for each request: who served it, under who asked for it; then what, how, over what and how long. */
export function treeText(tree: CallTree): string[] {
  const rows = [...rowsOf(tree.root, "", "└─ ")];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const times = Math.max(...rows.map((row) => row[4]!.length));
  return [
    `one request  through ${processesOf(tree).size} processes and threads: ${tree.trace}`,
    tree.root.from,
    ...rows.map((row) => {
      const texts = row.slice(0, 4).map((text, column) => text.padEnd(widths[column]!));
      return `${texts.join("  ")}  ${row[4]!.padStart(times)}`;
    }),
  ];
}

function* rowsOf(branch: Branch, before: string, elbow: string): Generator<string[], void> {
  const { process, operation, kind, over, us, children } = branch;
  yield [`${before}${elbow}${process}`, operation, kind, over, duration(us)];
  const inner = `${before}${elbow === "└─ " ? "   " : "│  "}`;
  for (const [index, child] of children.entries())
    yield* rowsOf(child, inner, index === children.length - 1 ? "└─ " : "├─ ");
}

function duration(us: number): string {
  return us < 1_000 ? `${us} µs` : `${(us / 1_000).toFixed(1)} ms`;
}
