import { methodOf } from "./markdown.ts";
import type { Plot } from "./plots.ts";
import { machineLine, tablesOf, type Measurement, type ReportTable } from "./report.ts";

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0 .8rem; } .method { color: #555; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #ddd; white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child, .words th, .words td { text-align: left; }
.words td { white-space: normal; }
tr.first td { font-weight: 600; } tr.no td { color: #767676; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; }
`;

/** The report as one page that needs nothing else. `plots`: undefined where nothing could draw them. */
export function htmlOf(measurement: Measurement, plots: readonly Plot[] | undefined): string {
  const [advice, ...others] = tablesOf(measurement);
  const pictures =
    plots === undefined
      ? "<p>There are no pictures: install echarts for them (<code>npm i echarts</code>).</p>"
      : plots.map(figure).join("\n");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
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

function section({ title, about, head, rows, words }: ReportTable): string {
  const cells = (row: readonly string[], tag: "td" | "th"): string =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("");
  const fits = head.indexOf("fits");
  const body = rows.map((row, index) => {
    const no = fits >= 0 && row[fits] === "no" ? "no" : "";
    return `<tr class="${fits >= 0 && index === 0 && no === "" ? "first" : no}">${cells(row, "td")}</tr>`;
  });
  return `<h2>${escaped(title)}</h2>
<p>${escaped(about)}</p>
<div class="wide"><table${words === true ? ' class="words"' : ""}>
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
