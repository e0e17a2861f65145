import { kinds, type Report, type Trouble } from "../contracts/control.ts";
import type { Audit } from "./audit.ts";
import type { Disruption } from "./disruptions.ts";

/** What the run came to: only what was counted. */
export interface Verdict {
  /** Everything that is not as it must be, a sentence each; empty when all is well. */
  readonly off: readonly string[];
  readonly made: Report["made"];
  readonly opened: Report["opened"];
  readonly callsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly lost: number;
  readonly doubled: number;
  readonly hung: number;
  readonly untyped: number;
  /** Calls and streams that the kill cut, all of them reported with `executed: "maybe"`. */
  readonly cut: { readonly calls: number; readonly streams: number };
  /** Calls that found no tower behind the address: reported with `executed: "no"`. */
  readonly unsent: number;
  /** Of the clearances among those cut: tried again with the same key, and how many the ledger knew already. */
  readonly again: { readonly tried: number; readonly done: number };
  /** Calls and streams that failed because of the roll. */
  readonly rollFailed: number;
  readonly trace: Trace | undefined;
}

/** One request, seen by three processes. */
export interface Trace {
  readonly id: string;
  readonly path: readonly string[];
}

export interface Evidence {
  readonly reports: readonly Report[];
  readonly latenciesUs: readonly number[];
  readonly audit: Audit;
  readonly disruptions: readonly Disruption[];
  readonly differences: readonly string[];
  /** What went wrong with the processes, in words. */
  readonly accidents: readonly string[];
  /** How long the desks worked. */
  readonly seconds: number;
}

export function verdictOf(evidence: Evidence): Verdict {
  const { reports, latenciesUs, audit, disruptions, seconds } = evidence;
  const { made, opened } = totals(reports);
  const desks = reports.flatMap(({ desk }) => desk ?? []);
  const sum = (count: (desk: (typeof desks)[number]) => number): number =>
    desks.reduce((total, desk) => total + count(desk), 0);

  const killed = disruptions.find(({ what }) => what === "killed")?.tower;
  const rolled = disruptions.find(({ what }) => what === "rolled")?.tower;
  const troubles = desks.flatMap((desk) => desk.troubles);
  const ofKill = troubles.filter(({ tower, code }) => tower === killed && code === "UNAVAILABLE");
  const ofRoll = troubles.filter(({ tower }) => tower === rolled);
  const others = troubles.filter((each) => !ofKill.includes(each) && !ofRoll.includes(each));
  const cut = ofKill.filter(({ executed }) => executed === "maybe");

  const verdict = {
    made,
    opened,
    callsPerSecond: Math.round(made.call / seconds),
    p50Us: percentile(latenciesUs, 0.5) ?? 0,
    p99Us: percentile(latenciesUs, 0.99) ?? 0,
    lost: audit.lost,
    doubled: audit.doubled,
    hung: sum(({ hung }) => hung),
    untyped: sum(({ untyped }) => untyped),
    cut: {
      calls: counted(cut.filter(({ operation }) => operation !== "board")),
      streams: counted(cut.filter(({ operation }) => operation === "board")),
    },
    unsent: counted(ofKill.filter(({ executed }) => executed === "no")),
    again: {
      tried: sum(({ triedAgain }) => triedAgain),
      done: sum(({ alreadyDone }) => alreadyDone),
    },
    rollFailed: counted(ofRoll),
    trace: traceOf(reports, audit),
  };
  const untrue = sum((desk) => desk.untrue);
  const incidentCount = reports.reduce((total, report) => total + report.incidents, 0);
  const lies = ofKill.filter(({ executed }) => executed === "yes");
  const off = [
    ...evidence.accidents,
    ...told(verdict.lost, "flights were never entered"),
    ...told(verdict.doubled, "flights were entered more than once"),
    ...told(verdict.hung, "calls had not settled when their deadline was over"),
    ...told(verdict.untyped, "calls were rejected with something that is no TrunklineError"),
    ...told(untrue, 'clearances were entered although they were reported as executed: "no"'),
    ...told(counted(lies), 'calls that the kill cut were reported as executed: "yes"'),
    ...told(verdict.rollFailed, `calls failed at ${rolled}, which was rolled: ${listed(ofRoll)}`),
    ...told(counted(others), `calls failed at towers that nobody had touched: ${listed(others)}`),
    ...told(incidentCount, "exceptions that no contract declares"),
    ...evidence.differences.slice(0, 5),
    ...told(evidence.differences.length, "airports differ from the file"),
    ...(verdict.trace === undefined ? ["no trace was the same in all its processes"] : []),
    ...(disruptions.length < 2 ? ["not every tower was killed or rolled that should be"] : []),
  ];
  return { ...verdict, off };
}

export function totals(reports: readonly Report[]): Pick<Report, "made" | "opened"> {
  const made = { call: 0, stream: 0, upload: 0, duplex: 0, notification: 0 };
  const opened: Record<string, number> = {};
  for (const report of reports) {
    for (const kind of kinds) made[kind] += report.made[kind];
    for (const [scheme, count] of Object.entries(report.opened))
      opened[scheme] = (opened[scheme] ?? 0) + count;
  }
  return { made, opened };
}

/** The smallest value that `share` of all values do not exceed; undefined when there are none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** A request whose trace the desk, the tower and the ledger named alike. */
function traceOf(reports: readonly Report[], audit: Audit): Trace | undefined {
  for (const { name, desk } of reports) {
    if (desk?.traced === undefined) continue;
    const { flight, tower, trace: id } = desk.traced;
    if (audit.entryOf(flight)?.trace === id) return { id, path: [name, tower, "ledger"] };
  }
  return undefined;
}

function counted(troubles: readonly Trouble[]): number {
  return troubles.reduce((total, { count }) => total + count, 0);
}

function told(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

function listed(troubles: readonly Trouble[]): string {
  const alike = Map.groupBy(
    troubles,
    ({ tower, operation, code, executed }) => `${tower} ${operation} ${code} "${executed}"`,
  );
  return [...alike].map(([what, those]) => `${counted(those)} × ${what}`).join(", ");
}
