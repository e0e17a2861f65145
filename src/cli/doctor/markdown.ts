import { machineLine, tablesOf, type Measurement, type ReportTable } from "./report.ts";
import { bytes } from "../units.ts";

/** How it was measured, for both reports. */
export function methodOf({ eachMs }: Measurement): string {
  return `Each mechanism ran alone, one after the other, for ${(eachMs / 1_000).toFixed(1)} s between processes of its own, with the same handlers, raw ${bytes(64)} to ${bytes(1_048_576)} of bytes, and what came back compared with what was sent. One run on one machine: figures that differ by less than a third are the same.`;
}

/** The report as Markdown. */
export function markdownOf(measurement: Measurement): string {
  const tables = tablesOf(measurement).map(
    (each) => `## ${each.title}\n\n${each.about}\n\n${tableText(each)}`,
  );
  return `# Mechanisms of this host, side by side

${machineLine(measurement.machine)}.

${methodOf(measurement)}

${tables.join("\n\n")}
`;
}

function tableText({ head, rows, words }: ReportTable): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const rule = head.map((_, column) => (words === true || column === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
