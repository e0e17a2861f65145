import { styleText } from "node:util";
import { kinds } from "../contracts/control.ts";
import type { Figures } from "../contracts/ledger.ts";
import type { Disruption } from "./disruptions.ts";
import type { Verdict } from "./verdict.ts";

export interface Facts {
  readonly processes: number;
  readonly flights: number;
  readonly seconds: number;
  readonly disruptions: readonly Disruption[];
  /** What the processes counted. */
  readonly figures: readonly Figures[];
  /** Where the report goes: colours depend on it. */
  readonly stream: NodeJS.WriteStream;
}

/** The end of the demo, for people. */
export function report(verdict: Verdict, facts: Facts): string {
  const { off, made, opened, lost, doubled, hung, untyped, trace, p50Us, p99Us } = verdict;
  const { processes, flights, seconds, disruptions, figures, stream } = facts;
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream });
  const zero = (name: string, count: number): string =>
    style(count === 0 ? "green" : "red", `${name} ${number(count)}`);
  const carried = Object.entries(opened).map(([scheme, count]) => `${scheme} ${number(count)}`);
  const differ = off.some((each) => each.includes("differ from the file"));
  const lines = [
    `${style("bold", "Air-traffic desk")} · ${processes} processes · flights of 2001 (vega-datasets), ${number(flights)} of them in ${seconds.toFixed(1)} s`,
    `  styles       ${kinds.map((kind) => `${kind} ${number(made[kind])}`).join(" · ")}`,
    `  carried by   ${carried.join(" · ")} connections`,
    `  speed        ${number(verdict.callsPerSecond)} calls/s · at the desks p50 ${ms(p50Us)} · p99 ${ms(p99Us)}`,
    ...disruptions.map((disruption) => `  ${told(disruption, verdict)}`),
    `  busiest      ${busiest(figures)}`,
    `  checked against the file: ${figures.length} airports, departures, arrivals, delay, distance: ${
      differ ? style("red", "not equal") : style("green", "all equal")
    }`,
    `  ${[
      zero("lost", lost),
      zero("hung", hung),
      zero("executed twice", doubled),
      zero("untyped errors", untyped),
    ].join(" · ")}`,
    ...(trace === undefined ? [] : [`  one trace: ${trace.id}   ${trace.path.join(" → ")}`]),
    ...off.map((each) => `  ${style("red", "off:")} ${each}`),
  ];
  return lines.join("\n");
}

function told({ at, tower, what, tookMs }: Disruption, verdict: Verdict): string {
  const time = at.toTimeString().slice(0, 8);
  if (what === "rolled") {
    return `${time}     ${tower} rolled (SIGTERM)    ${plural(verdict.rollFailed, "call")} failed; the next one took over in ${Math.round(tookMs)} ms`;
  }
  const { cut, unsent, again } = verdict;
  const streams = cut.streams === 0 ? "" : ` and ${plural(cut.streams, "stream")}`;
  const none = unsent === 0 ? "" : `; ${number(unsent)} could not be sent, "no"`;
  const lines = [
    `${time}     ${tower} killed (SIGKILL)   ${plural(cut.calls, "call")}${streams} cut, all reported "maybe"${none}; back after ${Math.round(tookMs)} ms`,
    `             ${plural(again.tried, "clearance")} tried again by key: ${again.done} had been done, ${again.tried - again.done} not`,
  ];
  return lines.join("\n  ");
}

function busiest(figures: readonly Figures[]): string {
  const traffic = ({ departures, arrivals }: Figures): number => departures + arrivals;
  const sorted = figures.toSorted((one, other) => traffic(other) - traffic(one));
  return sorted
    .slice(0, 3)
    .map(({ airport, departures, arrivals, delayMinutes }) => {
      const mean = (delayMinutes / departures).toFixed(1);
      return `${airport} ${number(departures)} out, ${number(arrivals)} in, ${mean} min late`;
    })
    .join(" · ");
}

/** The same as data. The kinds and transports that are not there yet say 0. */
export function jsonOf(verdict: Verdict): string {
  const { off, made, opened, cut, lost, hung, doubled, untyped } = verdict;
  return JSON.stringify({
    ok: off.length === 0,
    calls: made.call,
    streams: made.stream,
    events: 0,
    kinds: made,
    connections: { unix: 0, shm: 0, tcp: 0, tls: 0, stdio: 0, tcpLoopback: 0, ...opened },
    calls_per_s: verdict.callsPerSecond,
    p50_us: verdict.p50Us,
    p99_us: verdict.p99Us,
    lost,
    hung,
    doubled,
    untyped,
    cut: cut.calls,
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
