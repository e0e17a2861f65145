import { machineLine, tablesOf, type Measurement, type ReportTable } from "./report.ts";
import { isMeasured } from "./measure/measured.ts";

/** How it was measured, for both reports. */
export function methodOf({ outcomes }: Measurement): string {
  const each = outcomes.filter(isMeasured).map(({ forMs }) => forMs);
  if (each.length === 0) return "Nothing could be measured.";
  const [least, most] = [Math.min(...each), Math.max(...each)].map((ms) => (ms / 1_000).toFixed(1));
  const time = least === most ? `${least} s` : `${least} to ${most} s`;
  return `Each mechanism ran alone, one after the other, for ${time} between processes of its own, with the same handlers and bytes that no codec looks at; what came back was compared with what was sent. One run on one machine: figures that differ by less than a third are the same.`;
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

function tableText({ head, rows, numbers }: ReportTable): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const rule = head.map((_, column) => (numbers.includes(column) ? "---:" : "---"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
