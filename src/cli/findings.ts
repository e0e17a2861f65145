import type { Finding } from "../store/finding.ts";
import { annotated, table } from "./table.ts";
import { styled, type Terminal } from "./terminal.ts";

/** People read no longer lines than these. */
const textColumns = 100;
/** Where `annotated` puts notes. */
const indent = " ".repeat(6);

const signs = { fine: ["✓", "green"], warning: ["!", "yellow"], wrong: ["✗", "red"] } as const;

/** A finding, with the command or the line of a configuration that mends it, where there is one. */
export interface Mendable extends Finding {
  readonly mend?: string;
}

/** What a doctor has found, for people: a line each, the advice below it, and below that what mends it, in one line that can be copied. */
export function shownFindings(
  title: string,
  findings: readonly Mendable[],
  terminal: Terminal,
): string {
  const rows = findings.map(({ about, state, seen }) => {
    const [sign, style] = signs[state];
    return [`  ${styled(terminal, style, sign)} ${about}`, seen];
  });
  const width = Math.min(terminal.columns, textColumns) - indent.length;
  const notes = findings.map(({ advice = "", mend }) =>
    [folded(advice, width, indent), ...(mend === undefined ? [] : [`→ ${mend}`])].join(
      `\n${indent}`,
    ),
  );
  return `${styled(terminal, "bold", title)}\n${annotated(table(rows), notes)}`;
}

/** How many of them are in a state. */
export function countOf(findings: readonly Finding[], state: Finding["state"]): number {
  return findings.filter((each) => each.state === state).length;
}

/** The text in lines of that width at most, all but the first behind `before`; only a word that is longer goes on. */
export function folded(text: string, width: number, before = ""): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && line.length <= width) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines.join(`\n${before}`);
}
