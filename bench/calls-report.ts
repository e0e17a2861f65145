import { titleOf } from "./case.ts";
import { blockBytes } from "./items.ts";
import { lineOf, rateOf, ratioOf, type Line } from "./line.ts";
import type { Sample } from "./pair.ts";
import { goal, goalsTable, machine, table, whole, type Goal, type Report } from "./report.ts";
import type { Row } from "./rounds.ts";
import { spreadOf, type Spread } from "./spread.ts";

const ours = "trunkline";

export function callsReport(
  rows: readonly Row[],
  idle: readonly number[],
): { report: Report; tables: string } {
  const lines = rows.map(lineOf);
  const ratios = ratiosOf(rows);
  const idleSpread = idle.length === 0 ? undefined : spreadOf(idle);
  const goals = goalsOf(lines, ratios, idleSpread);
  const idleRow =
    idleSpread === undefined
      ? []
      : [{ case: "idle connection", peer: ours, serverBytes: idleSpread }];
  const report: Report = {
    ok: true,
    bench: "calls",
    machine: machine(),
    rows: [...lines, ...idleRow],
    ratios,
    goals,
  };
  return { report, tables: tablesOf(lines, ratios, goals) };
}

/** Trunkline beside each peer. */
function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  const compare = (name: string, a: Row, b: Row, value: (sample: Sample) => number): void => {
    ratios[`${name} ÷ ${b.peer}, ${titleOf(a.of)}`] = ratioOf(a, b, value);
  };
  for (const own of rows.filter(({ peer }) => peer === ours)) {
    for (const other of rows.filter(({ of, peer }) => of === own.of && peer !== ours)) {
      compare("rate", own, other, rateOf);
      compare("cpu", own, other, (sample) => sample.cpuUsEach);
      if (own.samples[0]?.p50Us !== undefined)
        compare("p50", own, other, (sample) => sample.p50Us!);
    }
  }
  return ratios;
}

function goalsOf(
  lines: readonly Line[],
  ratios: Readonly<Record<string, number>>,
  idle: Spread | undefined,
): Goal[] {
  const many = "calls of 64 B, 64 in flight";
  const one = "calls of 64 B, 1 in flight";
  const itemsOf = (title: string): number | undefined =>
    lines.find((line) => line.case === title && line.peer === ours)?.rate.median;
  const goals: Goal[] = [];
  const ask = (
    name: string,
    measured: number | undefined,
    bound: "≥" | "≤",
    limit: number,
    unit: string,
  ): void => {
    if (measured !== undefined) goals.push(goal(name, measured, bound, limit, unit));
  };
  ask("calls/s beside undici", ratios[`rate ÷ undici, ${many}`], "≥", 10, "×");
  ask("calls/s beside undici's dispatch", ratios[`rate ÷ undici dispatch, ${many}`], "≥", 10, "×");
  ask("calls/s beside grpc-js", ratios[`rate ÷ grpc-js, ${many}`], "≥", 20, "×");
  ask("p50 of a call beside the bare socket", ratios[`p50 ÷ socket, ${one}`], "≤", 1.5, "×");
  ask("small items of a stream", itemsOf("streams of 64 B"), "≥", 800_000, "/s");
  const blocks = itemsOf("streams of 64 KiB");
  const gigabytes = blocks === undefined ? undefined : (blocks * blockBytes) / 1e9;
  ask("blocks of a stream", gigabytes, "≥", 1.5, " GB/s");
  ask("an idle connection", idle === undefined ? undefined : idle.median / 1024, "≤", 20, " KiB");
  return goals;
}

function tablesOf(
  lines: readonly Line[],
  ratios: Readonly<Record<string, number>>,
  goals: readonly Goal[],
): string {
  const parts: string[] = [];
  for (const title of new Set(lines.map((line) => line.case))) {
    const rows = lines
      .filter((line) => line.case === title)
      .map((line) => [
        line.peer,
        whole(line.rate.median),
        `${whole(line.rate.low)}–${whole(line.rate.high)}`,
        ratioText(ratios[`rate ÷ ${line.peer}, ${title}`]),
        line.cpuUsEach.median.toFixed(1),
        ratioText(ratios[`cpu ÷ ${line.peer}, ${title}`]),
        line.p50Us?.median.toFixed(1) ?? "",
        line.p99Us?.median.toFixed(1) ?? "",
      ]);
    const head = [
      title,
      "per s",
      "half of the rounds",
      "Trunkline: rate",
      "CPU µs",
      "Trunkline: CPU",
    ];
    const timed = rows.some((row) => row.at(-1) !== "");
    parts.push(
      timed
        ? table([...head, "p50 µs", "p99 µs"], rows)
        : table(
            head,
            rows.map((row) => row.slice(0, head.length)),
          ),
    );
  }
  parts.push(goalsTable(goals));
  return parts.join("\n\n");
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toPrecision(3)}×`;
}
