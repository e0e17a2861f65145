import { titleOf, many } from "./case.ts";
import { blockBytes } from "./items.ts";
import { lineOf, rateOf, ratioOf, type Line } from "./line.ts";
import type { Sample } from "./pair.ts";
import { idlePeers, servicesPeers, spreadPeers, transports } from "./peers.ts";
import { goal, goalsTable, machine, table, whole, type Goal, type Report } from "./report.ts";
import type { Row } from "./rounds.ts";

/** What the parts of the bench gave; a part that was not wanted is empty. */
export interface Parts {
  readonly transports: readonly Row[];
  /** Uploads and duplexes; nothing bare stands beside them. */
  readonly sending: readonly Row[];
  readonly services: readonly Row[];
  readonly idle: readonly Row[];
  readonly spread: readonly Row[];
}

type Ratios = Record<string, number>;

const one = "calls of 64 B, 1 in flight";

export function transportsReport(parts: Parts): { report: Report; tables: string } {
  const rows = Object.values(parts).flat() as Row[];
  const ratios = ratiosOf(rows);
  const goals = goalsOf(ratios);
  const lines = rows.map(lineOf);
  const report: Report = {
    ok: true,
    bench: "transports",
    machine: machine(),
    rows: lines,
    ratios,
    goals,
  };
  return { report, tables: tablesOf(parts, lines, ratios, goals) };
}

function ratiosOf(rows: readonly Row[]): Ratios {
  const ratios: Ratios = {};
  const compare = (a: Row, b: string, what: string, value: (sample: Sample) => number): void => {
    const other = rows.find(({ of, peer }) => of === a.of && peer === b);
    if (other === undefined) return;
    ratios[`${what} ÷ ${b}, ${titleOf(a.of)}: ${a.peer}`] = ratioOf(a, other, value);
  };
  for (const row of rows) {
    for (const to of comparedWith(row.peer)) {
      compare(row, to, "rate", rateOf);
      compare(row, to, "cpu", (sample) => sample.cpuUsEach);
      if (row.samples[0]?.p50Us !== undefined) compare(row, to, "p50", (sample) => sample.p50Us!);
    }
  }
  return ratios;
}

/** The peer beside which another one stands. */
function comparedWith(peer: string): string[] {
  const bare = transports.find(({ ours }) => ours.name === peer)?.bare;
  if (bare !== undefined) return [bare.name];
  const first = [servicesPeers, idlePeers, spreadPeers].find((group) =>
    group.slice(1).some(({ name }) => name === peer),
  )?.[0];
  return first === undefined ? [] : [first.name];
}

function rateRatio(ratios: Ratios, peer: string, to: string): number | undefined {
  return ratios[`rate ÷ ${to}, ${titleOf(many)}: ${peer}`];
}

function goalsOf(ratios: Ratios): Goal[] {
  const [most, own] = servicesPeers.slice(-2);
  const asked = [
    ["calls/s of 1,000 services beside 1", [servicesPeers[0]!, most!], 0.9],
    ["the same, with schemas of their own", [servicesPeers[0]!, own!], 0.9],
    ["calls/s beside 1,000 idle connections", idlePeers, 0.9],
    ["calls/s over 64 connections beside the bare echo", spreadPeers, 0.8],
  ] as const;
  return asked.flatMap(([name, peers, limit]) => {
    const measured = rateRatio(ratios, peers.at(-1)!.name, peers[0].name);
    return measured === undefined ? [] : [goal(name, measured, "≥", limit, "×")];
  });
}

function tablesOf(parts: Parts, lines: readonly Line[], ratios: Ratios, goals: Goal[]): string {
  const tables: string[] = [];
  if (parts.transports.length > 0) tables.push(...transportTables(lines, ratios));
  for (const rows of [parts.services, parts.idle, parts.spread]) {
    if (rows.length > 0) tables.push(groupTable(rows, ratios));
  }
  if (goals.length > 0) tables.push(goalsTable(goals));
  return tables.join("\n\n");
}

/** A table for each case: each transport, and what it is of what carries it. */
function transportTables(lines: readonly Line[], ratios: Ratios): string[] {
  const titles = [...new Set(lines.filter(isOfTransport).map((line) => line.case))];
  return titles.map((title) => {
    const blocks = title.endsWith("64 KiB");
    const rows = transports.flatMap(({ name, ours, bare }) => {
      const own = lines.find((line) => line.case === title && line.peer === ours.name);
      if (own === undefined) return [];
      const other = lines.find((line) => line.case === title && line.peer === bare?.name);
      const ratio = (what: string): string =>
        times(ratios[`${what} ÷ ${bare?.name}, ${title}: ${ours.name}`]);
      const { rate } = own;
      const cells = [name, whole(rate.median), `${whole(rate.low)}–${whole(rate.high)}`];
      if (blocks) cells.push(((rate.median * blockBytes) / 1e9).toFixed(2));
      cells.push(own.cpuUsEach.median.toFixed(1));
      if (title === one) cells.push(...[own.p50Us!, own.p99Us!].map((us) => us.median.toFixed(1)));
      cells.push(other === undefined ? "" : whole(other.rate.median), ratio("rate"), ratio("cpu"));
      if (title === one) cells.push(other?.p50Us?.median.toFixed(1) ?? "", ratio("p50"));
      return [cells];
    });
    const head = [title, "per s", "half of the rounds"];
    if (blocks) head.push("GB/s");
    head.push("CPU µs");
    if (title === one) head.push("p50 µs", "p99 µs");
    head.push("bare: per s", "rate", "CPU");
    if (title === one) head.push("bare: p50 µs", "p50");
    return table(head, rows);
  });
}

function isOfTransport({ peer }: Line): boolean {
  return transports.some(({ ours }) => ours.name === peer);
}

/** Peers that stand beside the first of them. */
function groupTable(rows: readonly Row[], ratios: Ratios): string {
  const first = rows[0]!.peer;
  const cells = rows
    .map(lineOf)
    .map((line) => [
      line.peer,
      whole(line.rate.median),
      `${whole(line.rate.low)}–${whole(line.rate.high)}`,
      times(rateRatio(ratios, line.peer, first)),
      line.cpuUsEach.median.toFixed(1),
      times(ratios[`cpu ÷ ${first}, ${line.case}: ${line.peer}`]),
    ]);
  const head = [titleOf(many), "per s", "half of the rounds", "rate", "CPU µs", "CPU"];
  return table(head, cells);
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toPrecision(3)}×`;
}
