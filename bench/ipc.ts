import { asked, bare, ipcPeers, raw, typed } from "./ipc/peers.ts";
import { loansGoal, loansTable, measureLoans, type LoanLine } from "./ipc/loans.ts";
import { titleOf } from "./case.ts";
import { lineOf, rateOf, ratioOf, type Line } from "./line.ts";
import { Pair, type Sample } from "./pair.ts";
import {
  goal,
  goalsTable,
  machine,
  profiled,
  table,
  whole,
  withFolder,
  type Bench,
  type Goal,
} from "./report.ts";
import { endAll, measureRounds, type Row } from "./rounds.ts";

/** How long each peer warms up in each case. */
const warmSeconds = 2;

/** Two processes of one host: shared memory beside sockets, and beside what others offer. */
export const ipc: Bench = (options) =>
  withFolder(async (folder) => {
    const { only } = options;
    const pairs = new Map<string, Pair>();
    for (const peer of ipcPeers.filter(({ name }) => only.length === 0 || only.includes(name)))
      pairs.set(peer.name, await Pair.start(peer, folder, profiled(options, peer.name)));
    const groups = asked.map(({ of, peers }) =>
      peers.flatMap(({ name }) => {
        const pair = pairs.get(name);
        return pair === undefined ? [] : [{ of, pair }];
      }),
    );
    const rows = await measureRounds(groups, warmSeconds, options);
    await endAll([...pairs.values()]);
    const lines = rows.map(lineOf);
    const lent =
      only.length === 0 || only.includes("loans") ? await measureLoans(folder, options) : [];
    const ratios = ratiosOf(rows);
    const goals = [...goalsOf(lines, ratios), ...(lent.length > 0 ? [loansGoal(lent)] : [])];
    const of = { ok: true, bench: "ipc", machine: machine() };
    const report = { ...of, rows: [...lines, ...lent], ratios, goals };
    return { report, tables: tablesOf(lines, lent, goals) };
  });

const [one, many, , blocks, items] = asked.map(({ of }) => titleOf(of)) as [
  string,
  string,
  string,
  string,
  string,
];

/** Ours beside each other, beside the bare ones, and beside all others. */
function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  const compare = (what: string, a: Row, b: Row, value: (sample: Sample) => number): void => {
    ratios[`${what}: ${a.peer} / ${b.peer}, ${titleOf(a.of)}`] = ratioOf(a, b, value);
  };
  for (const own of rows.filter(({ peer }) => peer === typed.shm || peer === raw.shm))
    for (const other of rows.filter(({ of, peer }) => of === own.of && peer !== own.peer)) {
      compare("rate", own, other, rateOf);
      compare("cpu", own, other, (sample) => sample.cpuUsEach);
      if (own.samples[0]?.p50Us !== undefined)
        compare("p50", own, other, (sample) => sample.p50Us!);
    }
  return ratios;
}

function goalsOf(lines: readonly Line[], ratios: Readonly<Record<string, number>>): Goal[] {
  const rate = (peer: string, title: string): number | undefined =>
    lines.find((line) => line.peer === peer && line.case === title)?.rate.median;
  const ratio = (what: string, a: string, b: string, title: string): number | undefined =>
    ratios[`${what}: ${a} / ${b}, ${title}`];
  const goals: [string, number | undefined, "≥" | "≤", number, string][] = [
    ["raw calls/s, 64 in flight", rate(raw.shm, many), "≥", 1_000_000, ""],
    ["raw items/s of a stream", rate(raw.shm, items), "≥", 3_000_000, ""],
    [
      "typed calls beside the socket, 64 in flight",
      ratio("rate", typed.shm, typed.socket, many),
      "≥",
      1.5,
      "×",
    ],
    [
      "typed calls beside the socket, 1 in flight",
      ratio("rate", typed.shm, typed.socket, one),
      "≥",
      1.5,
      "×",
    ],
    [
      "p50 of a raw call beside the bare echo",
      ratio("p50", raw.shm, bare.socket, one),
      "≤",
      1,
      "×",
    ],
    ["bytes/s of 1 MiB beside the socket", ratio("rate", raw.shm, raw.socket, blocks), "≥", 2, "×"],
    ["CPU of a call beside the socket's", ratio("cpu", typed.shm, typed.socket, many), "≤", 1, "×"],
  ];
  return goals.flatMap(([name, measured, bound, limit, unit]) =>
    measured === undefined ? [] : [goal(name, measured, bound, limit, unit)],
  );
}

function tablesOf(
  lines: readonly Line[],
  lent: readonly LoanLine[],
  goals: readonly Goal[],
): string {
  const titles = [...new Set(lines.map((line) => line.case))];
  const tables = titles.map((title) => {
    const own = lines.filter((line) => line.case === title);
    const timed = own.some(({ p50Us }) => p50Us !== undefined);
    const rows = own.map(({ peer, rate, cpuUsEach, p50Us, p99Us }) => [
      peer,
      whole(rate.median),
      `${whole(rate.low)}–${whole(rate.high)}`,
      cpuUsEach.median.toFixed(1),
      ...(timed ? [p50Us?.median.toFixed(1) ?? "–", p99Us?.median.toFixed(1) ?? "–"] : []),
    ]);
    const head = [title, "per s", "half of the rounds", "CPU µs"];
    return table(timed ? [...head, "p50 µs", "p99 µs"] : head, rows);
  });
  if (lent.length > 0) tables.push(loansTable(lent));
  return [...tables, goalsTable(goals)].join("\n\n");
}
