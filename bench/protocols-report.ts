import { titleOf, type Case } from "./case.ts";
import type { MeasuredFormats } from "./formats.ts";
import { lineOf, rateOf, ratioOf, type Line } from "./line.ts";
import { rivals } from "./peers.ts";
import { goal, goalsTable, machine, table, whole, type Goal, type Report } from "./report.ts";
import type { Row } from "./rounds.ts";

type Ratios = Record<string, number>;

const many: Case = { ask: "calls", size: "64 B", inFlight: 64 };
const flowing: Case = { ask: "stream", flow: "64 B" };

/** What is to be reached: ours beside another one, in a case. */
const asked: readonly {
  readonly ours: string;
  readonly other: string;
  readonly of: Case;
  readonly atLeast: number;
}[] = [
  {
    ours: "trunkline rest, http, connections kept",
    other: "fastify, http, connections kept",
    of: many,
    atLeast: 0.9,
  },
  { ours: "trunkline grpc, grpc", other: "bare http2, grpc", of: many, atLeast: 0.75 },
  { ours: "trunkline grpc, grpc", other: "bare http2, grpc", of: flowing, atLeast: 0.75 },
  { ours: "trunkline grpc, grpc", other: "grpc-js, grpc", of: many, atLeast: 1.3 },
  { ours: "trunkline grpc, grpc", other: "grpc-js, grpc", of: flowing, atLeast: 1.3 },
];

export function protocolsReport(
  rows: readonly Row[],
  formats: MeasuredFormats | undefined,
): { report: Report; tables: string } {
  const lines = rows.map(lineOf);
  const ratios = ratiosOf(rows);
  const goals = goalsOf(ratios);
  const report: Report = {
    ok: true,
    bench: "protocols",
    machine: machine(),
    rows: [...lines, ...(formats?.rows ?? [])],
    ratios: { ...ratios, ...formats?.ratios },
    goals,
  };
  const tables = [
    tablesOf(lines, ratios, goals),
    ...(formats === undefined ? [] : [formats.tables]),
  ];
  return { report, tables: tables.join("\n\n") };
}

/** Ours beside each of its rivals. */
function ratiosOf(rows: readonly Row[]): Ratios {
  const ratios: Ratios = {};
  for (const { peers } of rivals) {
    const names = peers.map(({ name }) => name);
    const own = rows.filter(({ peer }) => names.includes(peer) && peer.startsWith("trunkline"));
    for (const row of own) {
      for (const other of rows) {
        if (other.of !== row.of || other.peer === row.peer || !names.includes(other.peer)) continue;
        const name = `${row.peer} ÷ ${other.peer}, ${titleOf(row.of)}`;
        ratios[`rate: ${name}`] = ratioOf(row, other, rateOf);
        ratios[`cpu: ${name}`] = ratioOf(row, other, (sample) => sample.cpuUsEach);
      }
    }
  }
  return ratios;
}

function goalsOf(ratios: Ratios): Goal[] {
  return asked.flatMap(({ ours, other, of, atLeast }) => {
    const name = `${ours} ÷ ${other}, ${titleOf(of)}`;
    const measured = ratios[`rate: ${name}`];
    return measured === undefined ? [] : [goal(name, measured, "≥", atLeast, "×")];
  });
}

function tablesOf(lines: readonly Line[], ratios: Ratios, goals: readonly Goal[]): string {
  const parts = rivals.flatMap(({ peers }) => {
    const names = peers.map(({ name }) => name);
    const own = lines.filter(({ peer }) => names.includes(peer));
    return [...new Set(own.map((line) => line.case))].map((title) =>
      tableOf(
        title,
        own.filter((line) => line.case === title),
        ratios,
      ),
    );
  });
  return [...parts, goalsTable(goals)].join("\n\n");
}

function tableOf(title: string, lines: readonly Line[], ratios: Ratios): string {
  const ours = lines.find(({ peer }) => peer.startsWith("trunkline"))?.peer;
  const rows = lines.map((line) => {
    const ratio = ratios[`rate: ${ours} ÷ ${line.peer}, ${title}`];
    return [
      line.peer,
      whole(line.rate.median),
      `${whole(line.rate.low)}–${whole(line.rate.high)}`,
      ratio === undefined ? "" : `${ratio.toPrecision(3)}×`,
      line.cpuUsEach.median.toFixed(1),
      line.p50Us?.median.toFixed(0) ?? "",
      line.p99Us?.median.toFixed(0) ?? "",
    ];
  });
  const head = [
    title,
    "per s",
    "half of the rounds",
    "Trunkline: rate",
    "CPU µs",
    "p50 µs",
    "p99 µs",
  ];
  return table(head, rows);
}
