import { ownPostgres } from "../scripts/servers/postgres.ts";
import { besideBacklog } from "./outbox/backlog.ts";
import { held, type HeldRow } from "./outbox/held.ts";
import type { Row } from "./outbox/measured.ts";
import { publishing } from "./outbox/publishing.ts";
import { otherStores } from "./outbox/stores.ts";
import { through } from "./outbox/through.ts";
import {
  goalsTable,
  machine,
  table,
  whole,
  type Bench,
  type BenchOptions,
  type Goal,
} from "./report.ts";
import type { Spread } from "./spread.ts";

/** The parts, by their names in `--only`. */
const parts = ["publish", "through", "backlog", "held", "stores"] as const;

/** Each peer has 64 connections of its own. */
const connectionsMax = 900;

/** Messages in transactions of one PostgreSQL: what they cost, and how many go through; beside pg-boss, graphile-worker and a serial cursor. */
export const outbox: Bench = async (options) => {
  await using database = await ownPostgres({ settings: { max_connections: connectionsMax } });
  const nothing = { rows: [], ratios: {}, goals: [] };
  const published = wanted("publish", options) ? await publishing(database, options) : nothing;
  const carried = wanted("through", options) ? await through(database, options) : nothing;
  const beside = wanted("backlog", options) ? await besideBacklog(database, options) : nothing;
  const kept = wanted("held", options) ? await held(database, options) : nothing;
  const others = wanted("stores", options) ? await otherStores(database, options) : nothing;
  const all = [published, carried, beside, { ratios: {}, goals: [], ...others }];
  const rows: Row[] = all.flatMap((part) => part.rows);
  const ratios = Object.assign({}, ...all.map((part) => part.ratios)) as Record<string, number>;
  const goals = [...all, kept].flatMap((part) => part.goals);
  const ours = rows.filter(({ peer }) => peer.startsWith("trunkline"));
  const report = {
    ok: ours.every(({ failed, lost, disordered }) => failed === "" && lost + disordered === 0),
    bench: "outbox",
    machine: machine(),
    rows: [...rows, ...kept.rows],
    ratios,
    goals,
  };
  return { report, tables: tablesOf(rows, kept.rows, ratios, goals) };
};

function wanted(part: (typeof parts)[number], { only }: BenchOptions): boolean {
  return only.length === 0 || only.includes(part);
}

function tablesOf(
  rows: readonly Row[],
  kept: readonly HeldRow[],
  ratios: Readonly<Record<string, number>>,
  goals: readonly Goal[],
): string {
  const cell = (value: Spread | null, digits: number): string =>
    value === null ? "–" : digits === 0 ? whole(value.median) : value.median.toFixed(digits);
  const measured = table(
    ["orders of 200 B", "", "per s", "p50 ms", "p99 ms", "CPU µs each", "of the server", ""],
    rows.map((row) => [
      row.case,
      row.peer,
      cell(row.perSecond, 0),
      cell(row.p50Ms, 2),
      cell(row.p99Ms, 2),
      cell(row.cpuUs, 0),
      cell(row.serverCpuUs, 0),
      row.failed === "" ? (row.disordered > 0 ? "out of order" : "") : row.failed,
    ]),
  );
  const bloated = table(
    ["a transaction stays open", "after s", "MiB", "dead rows", "p50 ms", "p99 ms", "claim ms"],
    kept.map((row) => [
      row.peer,
      String(row.atSeconds),
      (row.bytes / 2 ** 20).toFixed(1),
      whole(row.deadRows),
      row.handledP50Ms.toFixed(1),
      row.handledP99Ms.toFixed(1),
      row.claimMs === null ? "–" : row.claimMs.toFixed(1),
    ]),
  );
  const beside = table(
    ["beside each other", ""],
    Object.entries(ratios).map(([name, ratio]) => [name, String(ratio)]),
  );
  return [measured, bloated, beside, goalsTable(goals)].join("\n\n");
}
