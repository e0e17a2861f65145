import type { Counts } from "./ledger.ts";
import type { Seen } from "./run.ts";
import { leaksOf, mebibytes, trendOf, type Observed, type Trend } from "./verdict.ts";

interface FirstAndLast {
  readonly first: number;
  readonly last: number;
}

interface Held {
  readonly heap: Trend;
  readonly buffers: Trend;
  readonly rss: Trend;
  /** With nothing open, before and after. */
  readonly descriptors?: FirstAndLast;
  readonly handles?: FirstAndLast;
  readonly alarms?: FirstAndLast;
}

/** What a soak tells programs. Bytes and counts; `heap`, `rss` and `descriptors` are sums over client and server. */
export interface SoakReport extends Counts {
  readonly ok: boolean;
  readonly seconds: number;
  readonly restarts: number;
  readonly heap: Trend;
  readonly rss: Trend;
  readonly descriptors: FirstAndLast;
  readonly processes: Readonly<Record<string, Held>>;
  readonly hung: number;
  readonly untyped: number;
  readonly failures: readonly string[];
}

export function reportOf(
  { client, observed, restarts, failures: restartFailures }: Seen,
  seconds: number,
): { readonly ok: boolean; readonly json: SoakReport; readonly lines: string[][] } {
  const { counts, hung, untyped } = client;
  const failures = [...client.failures, ...restartFailures, ...observed.flatMap(leaksOf)];
  const ok = failures.length === 0 && hung === 0 && untyped === 0;
  const processes = Object.fromEntries(observed.map((each) => [each.name, heldBy(each)]));
  const whole = ["client", "server"].map((name) => processes[name]!);
  const json: SoakReport = {
    ok,
    seconds,
    ...counts,
    restarts,
    heap: sumOf(whole.map(({ heap }) => heap)),
    rss: sumOf(whole.map(({ rss }) => rss)),
    descriptors: {
      first: sum(whole.map(({ descriptors }) => descriptors!.first)),
      last: sum(whole.map(({ descriptors }) => descriptors!.last)),
    },
    processes,
    hung,
    untyped,
    failures,
  };
  return { ok, json, lines: Object.entries(processes).flatMap(linesOf) };
}

function heldBy({ samples, closed }: Observed): Held {
  const trends = {
    heap: trendOf(samples, ({ heap }) => heap),
    buffers: trendOf(samples, ({ buffers }) => buffers),
    rss: trendOf(samples, ({ rss }) => rss),
  };
  if (closed === undefined) return trends;
  const pair = (what: "descriptors" | "handles" | "alarms"): FirstAndLast => ({
    first: closed.first[what],
    last: closed.last[what],
  });
  return {
    ...trends,
    descriptors: pair("descriptors"),
    handles: pair("handles"),
    alarms: pair("alarms"),
  };
}

function linesOf([name, held]: [string, Held]): string[][] {
  return Object.entries(held).map(([what, each]: [string, Trend | FirstAndLast]) => {
    if (!("slopePerMinute" in each))
      return [`${name}: ${what}`, `${each.first}`, `${each.last}`, ""];
    const slope = `${(each.slopePerMinute / 1024).toFixed(0)} KiB`;
    return [`${name}: ${what}`, mebibytes(each.first), mebibytes(each.last), slope];
  });
}

function sumOf(trends: readonly Trend[]): Trend {
  return {
    first: sum(trends.map(({ first }) => first)),
    last: sum(trends.map(({ last }) => last)),
    slopePerMinute: sum(trends.map(({ slopePerMinute }) => slopePerMinute)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}
