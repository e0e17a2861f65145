import type { Sheet } from "../contracts/archive.ts";
import type { Report, Trouble } from "../contracts/control.ts";
import { kinds } from "../contracts/kinds.ts";
import type { Audit } from "./audit.ts";
import { processesOf, type CallTree } from "./call-tree.ts";
import type { Disruption } from "./disruptions.ts";
import type { Guests } from "./guests.ts";
import type { Versions } from "./newcomer.ts";
import type { Sheets } from "./sheets.ts";

/** A request of which less than this many processes tell is no proof that traces travel. */
const processesMin = 3;

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
  readonly sheets: readonly Sheet[];
  /** Sheets that the kill cut: how many, how far they had come, and how many of them came again as a whole. */
  readonly cutSheets: { readonly count: number; readonly flights: number; readonly again: number };
  readonly tree: CallTree | undefined;
  /** Requests of both versions that one tower served side by side. */
  readonly versions: Versions;
  /** Questions over HTTP that were answered as they should be. */
  readonly overHttp: number;
  /** The same by gRPC, by somebody who speaks another language, if there was one. */
  readonly overGrpc: { readonly who: string | undefined; readonly asked: number };
}

export interface Evidence {
  readonly reports: readonly Report[];
  readonly latenciesUs: readonly number[];
  readonly audit: Audit;
  readonly sheets: Sheets;
  readonly disruptions: readonly Disruption[];
  readonly guests: Guests;
  /** What differs from the file, a sentence for each airport; and what of the sheets does. */
  readonly differences: readonly string[];
  readonly sheetDifferences: readonly string[];
  /** What went wrong with the processes, in words. */
  readonly accidents: readonly string[];
  /** How long the desks worked. */
  readonly seconds: number;
}

export function verdictOf(evidence: Evidence): Verdict {
  const { reports, latenciesUs, audit, sheets, disruptions, guests, seconds } = evidence;
  const { made, opened } = totals(reports);
  const desks = reports.flatMap(({ desk }) => desk ?? []);
  const sum = (count: (desk: (typeof desks)[number]) => number): number =>
    desks.reduce((total, desk) => total + count(desk), 0);

  const killed = disruptions.find(({ what }) => what === "killed")?.tower;
  const rolled = disruptions.find(({ what }) => what === "rolled")?.tower;
  const troubles = [
    ...desks.flatMap((desk) => desk.troubles),
    ...sheets.troubles,
    ...guests.newcomer.troubles,
  ];
  const ofKill = troubles.filter(({ tower, code }) => tower === killed && code === "UNAVAILABLE");
  // Who is about to stop says so: what goes elsewhere because of it is no trouble.
  const sentOn = ({ moved, executed }: Trouble): boolean => moved && executed === "no";
  const ofRoll = troubles.filter((each) => each.tower === rolled && !sentOn(each));
  const others = troubles.filter(
    (each) => each.tower !== rolled && !ofKill.includes(each) && !sentOn(each),
  );
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
    sheets: sheets.stored,
    cutSheets: {
      count: sheets.cut.length,
      flights: sheets.cut.reduce((total, { flights }) => total + flights, 0),
      again: sheets.cut.filter((one) => sheets.stored.some((sheet) => sameStart(one, sheet)))
        .length,
    },
    tree: sheets.tree,
    versions: guests.newcomer.versions,
    overHttp: guests.visitor.asked,
    overGrpc: { who: guests.foreigner.who, asked: guests.foreigner.asked },
  };
  const off = offOf(evidence, verdict, {
    untrue: sum((desk) => desk.untrue),
    lies: counted(ofKill.filter(({ executed }) => executed === "yes")),
    rolled: ofRoll,
    others,
  });
  return { ...verdict, off };
}

/** What only the judgement needs to know. */
interface Faults {
  readonly untrue: number;
  readonly lies: number;
  readonly rolled: readonly Trouble[];
  readonly others: readonly Trouble[];
}

/** Everything that is not as it must be. */
function offOf(
  { accidents, reports, guests, disruptions, ...evidence }: Evidence,
  verdict: Omit<Verdict, "off">,
  { untrue, lies, rolled, others }: Faults,
): string[] {
  const { lost, doubled, hung, untyped, cutSheets, tree, versions } = verdict;
  const { differences, sheetDifferences } = evidence;
  const { newcomer, visitor, foreigner } = guests;
  const incidentCount = reports.reduce((total, report) => total + report.incidents, 0);
  const tower = disruptions.find(({ what }) => what === "rolled")?.tower;
  return [
    ...accidents,
    ...told(lost, "flights were never entered"),
    ...told(doubled, "flights were entered more than once"),
    ...told(hung, "calls had not settled when their deadline was over"),
    ...told(untyped, "calls were rejected with something that is no TrunklineError"),
    ...told(untrue, 'clearances were entered although they were reported as executed: "no"'),
    ...told(lies, 'calls that the kill cut were reported as executed: "yes"'),
    ...told(counted(rolled), `calls failed at ${tower}, which was rolled: ${listed(rolled)}`),
    ...told(counted(others), `calls failed at towers that nobody had touched: ${listed(others)}`),
    ...told(incidentCount, "exceptions that no contract declares"),
    ...differences.slice(0, 5),
    ...told(differences.length, "airports differ from the file"),
    ...sheetDifferences.slice(0, 5),
    ...told(sheetDifferences.length, "sheets are not what they must be"),
    ...told(cutSheets.count - cutSheets.again, "cut sheets never came again"),
    ...visitor.wrong.slice(0, 5).map((what) => `over HTTP: ${what}`),
    ...told(visitor.wrong.length, "answers over HTTP were not what they must be"),
    ...foreigner.wrong.slice(0, 5).map((what) => `by gRPC: ${what}`),
    ...told(foreigner.wrong.length, "answers by gRPC were not what they must be"),
    ...told(newcomer.wrong, "answers of the next version are not what the file says"),
    ...unless(
      ["tower@1", "tower@2"].every((version) => (versions[version] ?? 0) > 0),
      "no tower served two versions side by side",
    ),
    ...unless(
      tree !== undefined && processesOf(tree).size >= processesMin,
      `no request was followed through ${processesMin} processes`,
    ),
    ...unless(disruptions.length === 2, "not every tower was killed or rolled that should be"),
  ];
}

export function totals(reports: readonly Report[]): Pick<Report, "made" | "opened"> {
  const made = { call: 0, stream: 0, upload: 0, duplex: 0, notification: 0 };
  const opened: Record<string, number> = { unix: 0, tls: 0, stdio: 0, worker: 0, http: 0 };
  for (const report of reports) {
    for (const kind of kinds) made[kind] += report.made[kind];
    for (const [scheme, count] of Object.entries(report.opened))
      opened[scheme] = (opened[scheme] ?? 0) + count;
  }
  return { made, opened };
}

/** How many there were, whatever each of them lived through: a thread has its process's pid, and a name of its own. */
export function census(reports: readonly Report[]): { processes: number; threads: number } {
  const byPid = Map.groupBy(reports, ({ pid }) => pid);
  const names = new Set(reports.map(({ name }) => name));
  let threads = 0;
  for (const those of byPid.values()) threads += new Set(those.map(({ name }) => name)).size - 1;
  return { processes: names.size - threads, threads };
}

/** The smallest value that `share` of all values do not exceed; undefined when there are none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

function sameStart(one: Pick<Sheet, "tower" | "after">, { tower, after }: Sheet): boolean {
  return one.tower === tower && one.after === after;
}

function counted(troubles: readonly Trouble[]): number {
  return troubles.reduce((total, { count }) => total + count, 0);
}

function told(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

function unless(holds: boolean, what: string): string[] {
  return holds ? [] : [what];
}

function listed(troubles: readonly Trouble[]): string {
  const alike = Map.groupBy(
    troubles,
    ({ tower, operation, code, executed }) => `${tower} ${operation} ${code} "${executed}"`,
  );
  return [...alike].map(([what, those]) => `${counted(those)} × ${what}`).join(", ");
}
