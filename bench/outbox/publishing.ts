import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";
import {
  askWithServer,
  p50Of,
  rateOf,
  ratioOf,
  rowOf,
  startPeer,
  type Measured,
  type Row,
} from "./measured.ts";

const bare = "bare insert";
const ours = ["trunkline, by key", "trunkline, no key", "trunkline, the user's own transaction"];
const peers = [bare, ...ours, "pg-boss", "graphile-worker", "serial cursor"];
/** Transactions at once. */
const usual = [1, 16, 64];
const quick = [16];
/** Those that the goal is about. */
const promised = ours.slice(0, 2);
const addedMax = 0.15;

/** What a message costs a transaction with one insert into a table of the user's. */
export async function publishing(
  database: OwnDatabases,
  options: BenchOptions,
): Promise<{ rows: Row[]; ratios: Record<string, number>; goals: Goal[] }> {
  const children = await Promise.all(
    peers.map(async (peer) => startPeer(peer, await database.fresh(), options)),
  );
  const connections = options.quick ? quick : usual;
  const measured: Measured[] = connections.flatMap((count) =>
    peers.map((peer) => ({
      peer,
      case: `${count} transaction${count === 1 ? "" : "s"} at once`,
      rounds: [],
      failed: "",
    })),
  );
  const seconds = Math.min(1, options.seconds);
  try {
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round++)
      for (const [at, count] of connections.entries())
        for (let turn = 0; turn < peers.length; turn++) {
          const place = (turn + round) % peers.length;
          const one = measured[at * peers.length + place]!;
          options.progress(`round ${round} of ${options.rounds}: ${one.peer}, ${one.case}`);
          const child = children[place]!;
          const told = await askWithServer(
            child,
            { ask: "publish", connections: count, seconds },
            database,
          );
          const messages = one.peer === bare ? 0 : told.committed;
          if (told.rows !== told.committed || told.kept !== messages)
            one.failed = `${told.committed} committed, ${told.rows} rows, ${told.kept} messages`;
          if (round > 0) one.rounds.push(told);
          await child.ask({ ask: "clear" });
        }
  } finally {
    for (const child of children) await child.end();
  }
  const ratios: Record<string, number> = {};
  const goals: Goal[] = [];
  for (const one of measured) {
    const alone = measured.find((each) => each.peer === bare && each.case === one.case)!;
    if (one === alone) continue;
    const added = (what: "latency" | "throughput"): number | undefined =>
      ratioOf(one, alone, (mine, its) =>
        what === "latency"
          ? p50Of(mine, "committed") / p50Of(its, "committed")
          : rateOf(its, "committed") / rateOf(mine, "committed"),
      );
    for (const what of ["latency", "throughput"] as const) {
      const ratio = added(what);
      if (ratio === undefined) continue;
      ratios[`${what} added to the bare insert, ${one.case}, ${one.peer}`] = percent(ratio - 1);
      if (promised.includes(one.peer))
        goals.push(
          goal(
            `${what} that ${one.peer} adds, ${one.case}`,
            percent(ratio - 1),
            "≤",
            addedMax * 100,
            " %",
          ),
        );
    }
  }
  return { rows: measured.map((each) => rowOf(each, "committed")), ratios, goals };
}

function percent(part: number): number {
  return Number((part * 100).toFixed(1));
}
