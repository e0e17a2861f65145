import type { Row } from "./tally.ts";
import type { StormFacts } from "./weather.ts";

const columns = ["over", "phase", "calls/s", "failed", "maybe", "late", "twice", "hung", "untrue"];

/** What the storms came to, for people: a row for each phase. */
export function stormText({ rows, off }: StormFacts): string {
  const cells = rows.map((row) => cellsOf(row));
  const widths = columns.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ");
  const verdict = off.length === 0 ? ["all as it must be"] : off.map((each) => `off: ${each}`);
  return ["storm", ...[columns, ...cells].map(line), ...verdict].join("\n  ");
}

function cellsOf({ peer, phase, perSecond, errored, ...row }: Row): string[] {
  const { maybe, late, doubled, hung, untrue } = row;
  const counts = [perSecond, errored, maybe, late, doubled, hung, untrue];
  return [peer, phase, ...counts.map((count) => count.toLocaleString("en"))];
}
