import { join } from "node:path";
import { goalsOf, ratiosOf } from "./broker/compared.ts";
import { ownPromises, type Promised } from "./broker/own-promises.ts";
import { servings, type Serving } from "./broker/servers.ts";
import { sideBySide, type Row } from "./broker/side-by-side.ts";
import { syncOf, type Sync } from "./broker/sync.ts";
import {
  goalsTable,
  machine,
  profiled,
  table,
  whole,
  withFolder,
  type Bench,
  type BenchOptions,
  type Goal,
} from "./report.ts";
import type { Spread } from "./spread.ts";

/** Confirmed messages of 200 B: the embedded broker beside RabbitMQ and NATS, by the same client; and what it promises for itself. */
export const broker: Bench = async (options) => withFolder((folder) => measure(folder, options));

async function measure(folder: string, options: BenchOptions): ReturnType<Bench> {
  const wanted = (name: string): boolean =>
    options.only.length === 0 || options.only.includes(name);
  const served: Record<string, Serving> = {};
  try {
    for (const [name, serve] of Object.entries(servings)) {
      if (!wanted(name)) continue;
      options.progress(`${name} starts`);
      const serving = await serve(join(folder, name), profiled(options, name));
      if (serving !== undefined) served[name] = serving;
    }
    const sync = syncOf(folder, options.quick ? 20 : 500);
    const rows = await sideBySide(served, folder, options);
    const own = await ownPromises(folder, options);
    const goals = [...goalsOf(rows), ...own.goals];
    const ratios = ratiosOf(rows);
    const ours = rows.filter(({ peer }) => peer === "trunkline");
    const report = {
      ok: ours.every(({ failed, disordered }) => failed === "" && disordered === 0),
      bench: "broker",
      machine: machine(),
      rows: [...rows, ...own.rows],
      ratios,
      goals,
      sync,
    };
    return { report, tables: tablesOf(rows, own.rows, ratios, goals, sync) };
  } finally {
    for (const serving of Object.values(served)) await serving.end();
  }
}

function tablesOf(
  rows: readonly Row[],
  own: readonly Promised[],
  ratios: Readonly<Record<string, number>>,
  goals: readonly Goal[],
  sync: Sync,
): string {
  const cell = (value: Spread | null, digits: number): string =>
    value === null ? "–" : digits === 0 ? whole(value.median) : value.median.toFixed(digits);
  const measured = table(
    [
      "200 B, persistent, confirmed",
      "client",
      "in flight",
      "consumed",
      "per s",
      "p50 µs",
      "p99 µs",
      "p50 in syncs",
      "client ms/1,000",
      "broker ms/1,000",
      "syncs each",
      "written",
      "",
    ],
    rows.map((row) => [
      row.peer,
      row.client,
      whole(row.inFlight),
      row.consumes ? "yes" : "no",
      cell(row.perSecond, 0),
      cell(row.p50Us, 0),
      cell(row.p99Us, 0),
      row.p50Syncs === null ? "" : cell(row.p50Syncs, 1),
      cell(row.clientCpuMs, 1),
      cell(row.serverCpuMs, 1),
      cell(row.syncsEach, 3),
      cell(row.writtenEach, 1),
      row.failed === "" ? (row.disordered > 0 ? "out of order" : "") : row.failed.slice(0, 60),
    ]),
  );
  const disk = table(
    ["one fdatasync of this disk", "p50 µs", "p99 µs"],
    [["of 4 KiB overwritten", whole(sync.p50Us), whole(sync.p99Us)]],
  );
  const beside = table(
    ["beside each other", ""],
    Object.entries(ratios).map(([name, ratio]) => [name, String(ratio)]),
  );
  const alone = table(
    ["the embedded broker alone", "", ""],
    own.map(({ case: what, measured: value, unit }) => [
      what,
      value >= 1_000 ? whole(value) : value.toPrecision(3),
      unit,
    ]),
  );
  return [measured, disk, alone, beside, goalsTable(goals)].join("\n\n");
}
