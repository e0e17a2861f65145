import type { Execution } from "./journal.ts";
import type { Called } from "./load.ts";
import { deadlineMs, kinds, type Kind } from "./peer.ts";

/** With less than this left nobody else is asked. */
const noTimeUs = 20_000;
/** How much later than its deadline a call may begin to run: what the clocks of timers are coarse by, and the way. */
const lateGraceUs = 50_000;

/** What a part of the calls came to. */
export interface Counts {
  readonly calls: number;
  /** Failed, for whatever reason; those that hang too. */
  readonly errored: number;
  /** Of these: those whose rejection says, by its type, that the call may have run. */
  readonly maybe: number;
  /** Of these: those that were told, truly, that they had not run, when their time was over: there was none for another try. */
  readonly tooLate: number;
}

/** What the calls of one phase came to, by their callers and by the journals of the replicas. */
export interface Row extends Counts {
  readonly peer: string;
  readonly phase: string;
  readonly perSecond: number;
  /** Began to run later than their deadline, when their callers had long been told that they had failed. */
  readonly late: number;
  /** Ran more than once, though nothing says that they may. */
  readonly doubled: number;
  /** Had not settled one second after their deadline. */
  readonly hung: number;
  /** Were told `executed: "no"`, and ran. */
  readonly untrue: number;
  readonly kinds: Readonly<Record<Kind, Counts>>;
  /** What they failed with, and how many. */
  readonly failures: Readonly<Record<string, number>>;
}

export function tally(
  peer: string,
  phase: string,
  calls: readonly Called[],
  ran: ReadonlyMap<string, readonly Execution[]>,
): Row {
  const of = (call: Called): readonly Execution[] => ran.get(call.id) ?? [];
  const count = (is: (call: Called) => boolean): number => calls.filter(is).length;
  const failures: Record<string, number> = {};
  for (const { failure, endedUs, told } of calls) {
    if (failure === undefined && endedUs !== undefined) continue;
    const name = `${failure ?? "hangs"}${told === undefined ? "" : ` "${told}"`}`;
    failures[name] = (failures[name] ?? 0) + 1;
  }
  const byKind = kinds.map((kind) => [kind, countsOf(calls.filter((call) => call.kind === kind))]);
  return {
    peer,
    phase,
    perSecond: paceOf(calls),
    ...countsOf(calls),
    late: count((call) =>
      of(call).some(({ atUs }) => atUs > call.begunUs + deadlineMs * 1_000 + lateGraceUs),
    ),
    doubled: count((call) => call.kind !== "idempotent" && of(call).length > 1),
    hung: count(({ endedUs }) => endedUs === undefined),
    untrue: count((call) => call.told === "no" && of(call).length > 0),
    kinds: Object.fromEntries(byKind) as Record<Kind, Counts>,
    failures,
  };
}

function countsOf(calls: readonly Called[]): Counts {
  const failed = calls.filter(
    ({ failure, endedUs }) => failure !== undefined || endedUs === undefined,
  );
  const maybe = failed.filter(({ told }) => told === "maybe");
  const tooLate = failed.filter(
    ({ told, begunUs, endedUs = 0 }) =>
      told === "no" && endedUs > begunUs + deadlineMs * 1_000 - noTimeUs,
  );
  return {
    calls: calls.length,
    errored: failed.length,
    maybe: maybe.length,
    tooLate: tooLate.length,
  };
}

function paceOf(calls: readonly Called[]): number {
  const [first, last] = [calls[0], calls.at(-1)];
  if (first === undefined || last === undefined || first === last) return 0;
  return Math.round((calls.length / (last.begunUs - first.begunUs)) * 1e6);
}
