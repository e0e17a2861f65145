import { methodOf } from "./markdown.ts";
import { drawing, type Plot } from "./plots.ts";
import { machineLine, tablesOf, type Measurement, type ReportTable } from "./report.ts";

const style = `
:root { color-scheme: light dark; --text: #1a1a1a; --faint: #5f5f5f; --line: #ddd; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e4e4; --faint: #a0a0a0; --line: #444; --page: #181818; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--page); }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0 .8rem; } .method { color: var(--faint); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.number, th { white-space: nowrap; } .number { text-align: right; } th:first-child, td:first-child { white-space: nowrap; } td:last-child:not(.number) { min-width: 14rem; }
tr.first td { font-weight: 600; } tr.no td { color: var(--faint); }
figure { margin: 1.5rem 0; overflow-x: auto; } figcaption { font-weight: 600; margin-bottom: .4rem; } svg { max-width: 100%; min-width: 34rem; height: auto; }
`;

/** The report as one page that needs nothing else. `plots`: undefined where nothing could draw them. */
export function htmlOf(measurement: Measurement, plots: readonly Plot[] | undefined): string {
  const [advice, ...others] = tablesOf(measurement);
  const pictures =
    plots === undefined
      ? `<p>There are no pictures: no library that draws is here. <code>${drawing()}</code> draws them from what was measured.</p>`
      : plots.map(figure).join("\n");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mechanisms of this host, side by side</title>
<style>${style}</style>
<h1>Mechanisms of this host, side by side</h1>
<p>${escaped(machineLine(measurement.machine))}.</p>
<p class="method">${escaped(methodOf(measurement))}</p>
${advice === undefined ? "" : section(advice)}
${pictures}
${others.map(section).join("\n")}
</html>
`;
}

function figure({ title, svg }: Plot): string {
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}</figure>`;
}

function section({ title, about, head, rows, numbers }: ReportTable): string {
  const cells = (row: readonly string[], tag: "td" | "th"): string =>
    row
      .map((cell, column) => {
        const right = numbers.includes(column) ? ' class="number"' : "";
        return `<${tag}${right}>${escaped(cell)}</${tag}>`;
      })
      .join("");
  const fits = head.indexOf("fits");
  const body = rows.map((row, index) => {
    const no = fits >= 0 && row[fits] === "no";
    const kind = no ? ' class="no"' : fits >= 0 && index === 0 ? ' class="first"' : "";
    return `<tr${kind}>${cells(row, "td")}</tr>`;
  });
  return `<h2>${escaped(title)}</h2>
<p>${escaped(about)}</p>
<div class="wide"><table>
<tr>${cells(head, "th")}</tr>
${body.join("\n")}
</table></div>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
