import { styleText } from "node:util";
import { kinds } from "../contracts/kinds.ts";
import type { Figures } from "../contracts/ledger.ts";
import type { Disruption } from "./disruptions.ts";
import type { Versions } from "./newcomer.ts";
import type { Exchanged } from "../exchange/exchange.ts";
import type { StormFacts } from "../storm/weather.ts";
import { milesOf } from "./sheet-check.ts";
import { treeText } from "./tree-text.ts";
import type { Verdict } from "./verdict.ts";

export interface Facts {
  readonly processes: number;
  readonly threads: number;
  readonly flights: number;
  readonly seconds: number;
  readonly disruptions: readonly Disruption[];
  /** What the processes counted. */
  readonly figures: readonly Figures[];
  /** Where the report goes: colours depend on it. */
  readonly stream: NodeJS.WriteStream;
}

const indent = " ".repeat(13);

/** The end of the demo, for people. */
export function report(verdict: Verdict, facts: Facts): string {
  const { off, made, opened, lost, doubled, hung, untyped, sheets, tree, p50Us, p99Us } = verdict;
  const { processes, threads, flights, seconds, disruptions, figures, stream } = facts;
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream });
  const zero = (name: string, count: number): string =>
    style(count === 0 ? "green" : "red", `${name} ${number(count)}`);
  const equal = (what: string, word: string): string =>
    off.some((each) => each.includes(what)) ? style("red", `not ${word}`) : style("green", word);
  const { shm = 0, settled = 0, tcpLoopback = 0, ...schemes } = opened;
  const carried = Object.entries(schemes).map(([scheme, count]) => `${scheme} ${number(count)}`);
  const styles = kinds.map((kind) => `${kind} ${number(made[kind])}`);
  const onSheets = sheets.reduce((total, sheet) => total + sheet.flights, 0);
  const lines = [
    `${style("bold", "Air-traffic desk")} · ${processes} processes, ${plural(threads, "thread")} · flights of 2001 (vega-datasets)`,
    `flights      ${number(flights)} in ${seconds.toFixed(1)} s`,
    ...listed("styles       ", styles, stream),
    `carried by   ${carried.join(" · ")} connections; ${number(shm)} moved to shared memory`,
    `             ${number(settled)} were looked at when they were a second old: ${number(tcpLoopback)} of them on TCP`,
    `speed        ${number(verdict.callsPerSecond)} calls/s · at the desks p50 ${ms(p50Us)} · p99 ${ms(p99Us)}`,
    ...disruptions.flatMap((disruption) => told(disruption, verdict)),
    ...listed("busiest      ", busiest(figures), stream),
    `archive      ${plural(sheets.length, "sheet")}, ${number(onSheets)} flights, ${number(Math.round(milesOf(sheets)))} miles, digests: ${equal("sheets are not", "all equal")}`,
    `over HTTP    ${plural(verdict.overHttp, "question")} of the public, answers: ${equal("over HTTP", "all right")}`,
    `by gRPC      ${foreignText(verdict, equal("by gRPC", "all right"))}`,
    `file         ${figures.length} airports, departures, arrivals, delay, distance: ${equal("differ from the file", "all equal")}`,
    [
      zero("lost", lost),
      zero("hung", hung),
      zero("executed twice", doubled),
      zero("untyped errors", untyped),
    ].join(" · "),
    ...off.map((each) => `${style("red", "off:")} ${each}`),
  ];
  const [heading = "", ...rows] = tree === undefined ? [] : treeText(tree);
  return [...lines, style("bold", heading), ...rows]
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join("\n");
}

/** What was done to a tower, and what came of it: the first line says when. */
function told({ at, tower, what, tookMs }: Disruption, verdict: Verdict): string[] {
  const time = `${at.toTimeString().slice(0, 8)}     `;
  if (what === "rolled") {
    return [
      `${time}${tower} rolled (SIGTERM), the next one took over in ${Math.round(tookMs)} ms`,
      `${indent}${plural(verdict.rollFailed, "call")} failed; it served ${versionsText(verdict.versions)} side by side`,
    ];
  }
  const { cut, unsent, again, cutSheets } = verdict;
  const streams = cut.streams === 0 ? "" : ` and ${plural(cut.streams, "stream")}`;
  const none = unsent === 0 ? "" : `; ${number(unsent)} not sent: "no"`;
  const sheets =
    cutSheets.count === 0
      ? "no sheet was cut"
      : `${plural(cutSheets.count, "sheet")} cut after ${plural(cutSheets.flights, "flight")}: not kept, handed in again`;
  return [
    `${time}${tower} killed (SIGKILL), back after ${Math.round(tookMs)} ms`,
    `${indent}${plural(cut.calls, "call")}${streams} cut: "maybe"${none}`,
    `${indent}${plural(again.tried, "clearance")} tried again by key: ${again.done} had been done, ${again.tried - again.done} not`,
    `${indent}${sheets}`,
  ];
}

function foreignText({ overGrpc: { who, asked } }: Verdict, right: string): string {
  if (who === undefined) return "nobody came: no Python with grpcio on this machine";
  return `${plural(asked, "question")} from ${who}, answers: ${right}`;
}

function versionsText(versions: Versions): string {
  const served = Object.entries(versions).filter(([version]) => version.startsWith("tower@"));
  return served
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([version, count]) => `${version} ${number(count)}`)
    .join(" and ");
}

/** A label and what belongs to it, in as many lines as the terminal needs; in a pipe in one. */
function listed(
  label: string,
  items: readonly string[],
  { isTTY, columns }: NodeJS.WriteStream,
): string[] {
  const width = isTTY ? columns : Number.POSITIVE_INFINITY;
  const lines = [label];
  for (const item of items) {
    const last = lines.at(-1)!;
    const begins = last.length === label.length;
    const longer = begins ? `${last}${item}` : `${last} · ${item}`;
    if (begins || longer.length + 2 <= width) lines[lines.length - 1] = longer;
    else lines.push(`${indent}${item}`);
  }
  return lines;
}

function busiest(figures: readonly Figures[]): string[] {
  const traffic = ({ departures, arrivals }: Figures): number => departures + arrivals;
  const sorted = figures.toSorted((one, other) => traffic(other) - traffic(one));
  return sorted.slice(0, 2).map(({ airport, departures, arrivals, delayMinutes }) => {
    const mean = (delayMinutes / departures).toFixed(1);
    return `${airport} ${number(departures)} out, ${number(arrivals)} in, ${mean} min late`;
  });
}

/** The same as data. The transports that are not there yet say 0. */
export function jsonOf(
  verdict: Verdict,
  exchanged: readonly Exchanged[],
  storm: StormFacts | undefined,
): string {
  const { off, made, opened, cut, lost, hung, doubled, untyped, cutSheets, tree } = verdict;
  const sum = (
    what: "event" | "command" | "gather" | "document" | "lost" | "doubled" | "reordered",
  ): number => exchanged.reduce((total, each) => total + each[what], 0);
  return JSON.stringify({
    ok:
      off.length === 0 &&
      exchanged.every((each) => each.off.length === 0) &&
      (storm === undefined || storm.off.length === 0),
    calls: made.call,
    streams: made.stream,
    events: sum("event"),
    kinds: {
      ...made,
      event: sum("event"),
      command: sum("command"),
      gather: sum("gather"),
      document: sum("document"),
    },
    connections: {
      ...{
        unix: 0,
        shm: 0,
        tcp: 0,
        tls: 0,
        stdio: 0,
        worker: 0,
        http: 0,
        settled: 0,
        tcpLoopback: 0,
      },
      ...opened,
    },
    calls_per_s: verdict.callsPerSecond,
    p50_us: verdict.p50Us,
    p99_us: verdict.p99Us,
    lost: lost + sum("lost"),
    hung,
    doubled: doubled + sum("doubled"),
    untyped,
    reordered: sum("reordered"),
    cut: cut.calls,
    uploads_cut: cutSheets.count,
    versions: verdict.versions,
    over_http: verdict.overHttp,
    over_grpc: verdict.overGrpc.asked,
    tree: tree === undefined ? null : { trace: tree.trace, ...tree.root },
    exchanges: exchanged,
    ...(storm === undefined ? {} : { storm: { ok: storm.off.length === 0, ...storm } }),
  });
}

function number(value: number): string {
  return value.toLocaleString("en");
}

function plural(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function ms(us: number): string {
  return `${(us / 1_000).toFixed(2)} ms`;
}
