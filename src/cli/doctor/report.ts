import { cpus, loadavg } from "node:os";
import { bytes, count } from "../units.ts";
import { sayingsOf } from "./sayings.ts";
import { facts } from "./facts.ts";
import { isMeasured, type Measured, type Outcome } from "./measure/measured.ts";
import type { Probe } from "./probe.ts";
import type { Advice, Need } from "./recommend.ts";

/** The columns of a table of figures, as many as it may have. */
const allButFirst = Array.from({ length: 12 }, (_, index) => index + 1);

/** Where and when it was measured. */
export interface Machine {
  readonly system: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  /** Of the last minute before it began: what else the machine had to do. */
  readonly load: number;
  readonly addon: boolean;
}

/** All that was measured in one run. */
export interface Measurement {
  readonly machine: Machine;
  readonly outcomes: readonly Outcome[];
  readonly need: Need;
  readonly advice: readonly Advice[];
}

/** A table for people: the heads of its columns, and rows. */
export interface ReportTable {
  readonly title: string;
  readonly about: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The columns of numbers, which stand at the right. */
  readonly numbers: readonly number[];
}

export function machineOf(probe: Probe): Machine {
  return {
    system: `${probe.platform} ${probe.release} on ${probe.arch}`,
    node: probe.node,
    processor: cpus()[0]?.model.trim() ?? "not known",
    cores: probe.cores,
    load: loadavg()[0] ?? 0,
    addon: probe.addonProblem === undefined,
  };
}

/** One line on the machine, and a warning when somebody else was at work on it. */
export function machineLine({ system, node, processor, cores, load, addon }: Machine): string {
  const busy =
    load > cores / 2
      ? `; a load of ${load.toFixed(1)}: others were at work, so measure again when they are not`
      : "";
  return `${processor}, ${cores} cores, ${system}, Node ${node}, addon ${addon ? "there" : "not there"}${busy}`;
}

/** The need as people say it: `call of 4 KiB, 20,000 a second, same-user`. */
export function needLine({ pattern, sizeBytes, rate, durable, trust, related }: Need): string {
  const more = [trust, ...(durable ? ["durable"] : []), ...(related ? ["related"] : [])];
  return `${pattern} of ${shortBytes(sizeBytes)}, ${count(rate)} a second, ${more.join(", ")}`;
}

/** Everything that was measured as tables, those that have no row left out. */
export function tablesOf({ outcomes, need, advice }: Measurement): ReportTable[] {
  return [
    adviceTable(need, advice),
    ...figureTables(outcomes.filter(isMeasured)),
    sayingTable(outcomes),
    whoTable(),
    absentTable(outcomes),
  ].filter(({ rows }) => rows.length > 0);
}

function figureTables(measured: readonly Measured[]): ReportTable[] {
  return [callTable(measured), rateTable(measured), streamTable(measured), oneWayTable(measured)];
}

function adviceTable(need: Need, advice: readonly Advice[]): ReportTable {
  return {
    title: "What to use",
    about: `For ${needLine(need)}. What fits comes first, the best of it at the top.`,
    head: ["mechanism", "write", "fits", "a second", "CPU µs", "p50 µs", "notes"],
    rows: advice.map(({ name, write, fits, perSecond, cpuUsEach, p50Us, notes }) => [
      name,
      write,
      fits ? "yes" : "no",
      whole(perSecond),
      tenth(cpuUsEach),
      tenth(p50Us),
      notes.join("; "),
    ]),
    numbers: [3, 4, 5],
  };
}

function callTable(measured: readonly Measured[]): ReportTable {
  return {
    title: "One call",
    about:
      "64 bytes there and back, one at a time. CPU is that of both sides together for one call; idle, what both use while nothing is said, the watch of each process for stalls of its own included.",
    head: ["mechanism", "p50 µs", "p99 µs", "p99.9 µs", "max µs", "CPU µs", "idle ms/s"],
    numbers: allButFirst,
    rows: measured.flatMap(({ name, call, idleCpuMs }) =>
      call === undefined
        ? []
        : [
            [
              name,
              ...[call.p50Us, call.p99Us, call.p999Us, call.maxUs, call.cpuUsEach].map(tenth),
              idleCpuMs.toFixed(2),
            ],
          ],
    ),
  };
}

function rateTable(measured: readonly Measured[]): ReportTable {
  const sizes = measured.find((each) => each.sizes !== undefined)?.sizes ?? [];
  return {
    title: "Calls a second",
    about: `By the size of what goes there and comes back: ${sizes.map((each) => `${shortBytes(each.bytes)} with ${each.inFlight} in flight`).join(", ")}. Beside each rate, the microseconds of CPU for one call.`,
    head: ["mechanism", ...sizes.flatMap((each) => [shortBytes(each.bytes), "CPU µs"])],
    numbers: allButFirst,
    rows: measured.flatMap(({ name, sizes: own }) =>
      own === undefined
        ? []
        : [[name, ...own.flatMap((each) => [whole(each.perSecond), tenth(each.cpuUsEach)])]],
    ),
  };
}

function streamTable(measured: readonly Measured[]): ReportTable {
  return {
    title: "Items of a stream",
    about: "64 bytes each, in order, each looked at.",
    head: ["mechanism", "a second", "CPU µs"],
    numbers: allButFirst,
    rows: measured.flatMap(({ name, stream }) =>
      stream === undefined ? [] : [[name, whole(stream.perSecond), tenth(stream.cpuUsEach)]],
    ),
  };
}

function oneWayTable(measured: readonly Measured[]): ReportTable {
  return {
    title: "Notifications and messages there and back",
    about:
      "64 bytes, where signals carry a number or nothing; the receiver sends one back to an address of the sender's, or by the broker. Round trips one at a time; a second, with 64 under way. Lost: never came back; of bare signals that come before a process looks, the system makes one.",
    head: ["mechanism", "p50 µs", "p99 µs", "p99.9 µs", "a second", "CPU µs", "lost"],
    numbers: allButFirst,
    rows: measured.flatMap(({ name, oneWay }) => {
      if (oneWay === undefined) return [];
      const { roundTrip, perSecond, cpuUsEach, lost } = oneWay;
      const { p50Us, p99Us, p999Us } = roundTrip;
      const figures = [tenth(p50Us), tenth(p99Us), tenth(p999Us)];
      return [[name, ...figures, whole(perSecond), tenth(cpuUsEach), whole(lost)]];
    }),
  };
}

function sayingTable(outcomes: readonly Outcome[]): ReportTable {
  return {
    title: "What people say, and what was measured",
    about: "Figures that differ by less than a third are the same.",
    head: ["they say", "measured here", "so"],
    rows: sayingsOf(outcomes).map(({ they, measured, so }) => [they, measured, so]),
    numbers: [],
  };
}

function whoTable(): ReportTable {
  return {
    title: "Who can read, write, spoof or fill it",
    about: "Root can do all of it everywhere.",
    head: ["mechanism", "read", "write", "spoof", "fill"],
    rows: facts.map(({ name, read, say, spoof, fill }) => [name, read, say, spoof, fill]),
    numbers: [],
  };
}

function absentTable(outcomes: readonly Outcome[]): ReportTable {
  return {
    title: "Not measured",
    about: "What this version or this machine has not.",
    head: ["mechanism", "why"],
    rows: outcomes.flatMap((each) => (isMeasured(each) ? [] : [[each.name, each.reason]])),
    numbers: [],
  };
}

/** `4 KiB`, where all sizes are whole. */
export function shortBytes(value: number): string {
  return bytes(value).replace(".0 ", " ");
}

function whole(value: number | undefined): string {
  return value === undefined ? "" : count(value);
}

function tenth(value: number | undefined): string {
  if (value === undefined) return "";
  return value >= 100 ? count(value) : value.toFixed(1);
}
