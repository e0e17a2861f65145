import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { start, type Child } from "../child.ts";
import { profiled, type BenchOptions } from "../report.ts";
import { spreadOf, type Spread } from "../spread.ts";
import type { Answer, Question } from "./questions.ts";
import { serverCpuMs } from "./server-cpu.ts";

/** A peer in its process, with what each round of a case gave. */
export interface Measured {
  readonly peer: string;
  readonly case: string;
  readonly rounds: Answer[];
  failed: string;
}

/** What is printed of one peer in one case. */
export interface Row {
  readonly peer: string;
  readonly case: string;
  readonly perSecond: Spread | null;
  readonly p50Ms: Spread | null;
  readonly p99Ms: Spread | null;
  readonly cpuUs: Spread | null;
  readonly serverCpuUs: Spread | null;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  readonly failed: string;
}

export type PeerChild = Child<Question, Answer>;

/** Asks, and adds what the server used meanwhile. Nobody else may use it. */
export async function askWithServer(
  child: PeerChild,
  question: Question,
  server: OwnDatabases,
): Promise<Answer> {
  const pid = Number.parseInt(readFileSync(join(server.server.folder, "pid"), "utf8"), 10);
  const before = serverCpuMs(pid);
  const told = await child.ask(question);
  const usedMs = serverCpuMs(pid) - before;
  return { ...told, serverCpuUs: (usedMs * 1_000) / Math.max(1, told.committed, told.handled) };
}

export function startPeer(
  peer: string,
  address: string,
  options: BenchOptions,
): Promise<PeerChild> {
  return start("outbox/load.ts", [peer, address], profiled(options, peer));
}

/** Of transactions (`committed`), or of messages that reached their handler. */
export function rowOf(measured: Measured, of: "committed" | "handled"): Row {
  const { peer, rounds, failed } = measured;
  const spread = (value: (each: Answer) => number): Spread | null =>
    rounds.length === 0 ? null : spreadOf(rounds.map(value));
  const sum = (value: (each: Answer) => number): number =>
    rounds.reduce((total, each) => total + value(each), 0);
  return {
    peer,
    case: measured.case,
    perSecond: spread((each) => rateOf(each, of)),
    p50Ms: spread((each) => p50Of(each, of)),
    p99Ms: spread((each) => (of === "handled" ? each.handledP99Ms : each.commitP99Us / 1_000)),
    cpuUs: spread(({ cpuUs }) => cpuUs),
    serverCpuUs: rounds.every(({ serverCpuUs }) => serverCpuUs !== undefined)
      ? spread(({ serverCpuUs }) => serverCpuUs!)
      : null,
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    disordered: sum(({ disordered }) => disordered),
    failed,
  };
}

export function rateOf(each: Answer, of: "committed" | "handled"): number {
  return of === "handled" ? each.handledPerSecond : each.committedPerSecond;
}

export function p50Of(each: Answer, of: "committed" | "handled"): number {
  return of === "handled" ? each.handledP50Ms : each.commitP50Us / 1_000;
}

/** The middle of what the rounds say of two, each round by itself. */
export function ratioOf(
  ours: Measured,
  theirs: Measured,
  of: (ours: Answer, theirs: Answer) => number,
): number | undefined {
  const pairs = ours.rounds.flatMap((each, at) => {
    const other = theirs.rounds[at];
    return other === undefined ? [] : [of(each, other)];
  });
  return pairs.length === 0 ? undefined : Number(spreadOf(pairs).median.toPrecision(3));
}
