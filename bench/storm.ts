import { offOf } from "../demo/storm/judgement.ts";
import { phases, Storm } from "../demo/storm/storm.ts";
import { sharedKeys, sharedTerms } from "../demo/storm/weather.ts";
import type { Row } from "../demo/storm/tally.ts";
import { goal, goalsTable, machine, table, whole, withFolder, type Bench } from "./report.ts";

/** Calls a second, of three kinds in turn. */
const perSecond = 600;
const replicas = 3;
const calmMs = 1_000;
const quickCalmMs = 300;

/** A line for each: us, and others as their documentation would have them. */
const peers: Readonly<Record<string, URL>> = {
  trunkline: new URL("../demo/storm/trunkline.ts", import.meta.url),
  nestjs: new URL("storm/nest.ts", import.meta.url),
  moleculer: new URL("storm/moleculer.ts", import.meta.url),
  trpc: new URL("storm/trpc.ts", import.meta.url),
  "grpc-js": new URL("storm/grpc-js.ts", import.meta.url),
};

/**
 * Three replicas and a caller, each a process; while it calls, each replica in turn is killed, rolled, and stands still for
 * `seconds`. The same load, deadline and faults for all. What ran is known from the replicas' journals. `shared-keys` are replicas of ours
 * that share the keys of their calls in SQLite, under less load.
 */
export const storm: Bench = async ({ seconds, quick, only, progress }) => {
  const rows: Row[] = [];
  for (const [peer, module] of Object.entries(peers)) {
    if (only.length > 0 && !only.includes(peer)) continue;
    await withFolder(async (folder) => {
      await using gathered = await Storm.gather({
        peer,
        module,
        over: "unix",
        folder,
        perSecond,
        replicas,
        freezeMs: seconds * 1_000,
        calmMs: quick ? quickCalmMs : calmMs,
        tell: progress,
      });
      for (const phase of phases) rows.push(await gathered.phase(phase));
    });
  }
  const shared: Row[] = [];
  if (only.length === 0 || only.includes("shared-keys"))
    await withFolder(async (folder) => {
      const calm = quick ? quickCalmMs : calmMs;
      const given = { freezeMs: seconds * 1_000, calm, tell: progress };
      for await (const row of sharedKeys(folder, "sqlite", given)) shared.push(row);
    });
  const off = [
    ...rows.filter(({ peer }) => peer === "trunkline").map((row) => ({ row, told: offOf(row) })),
    ...shared.map((row) => ({ row, told: offOf(row, sharedTerms(row)) })),
  ];
  const goals = off.map(({ row, told }) =>
    goal(`${row.peer}, ${row.phase}: what is not as it must be`, told.length, "≤", 0, ""),
  );
  rows.push(...shared);
  const report = { ok: true, bench: "storm", machine: machine(), rows, ratios: {}, goals };
  const told = off.flatMap((each) => each.told);
  return { report, tables: [tableOf(rows), goalsTable(goals), ...told].join("\n\n") };
};

function tableOf(rows: readonly Row[]): string {
  const head = ["peer", "phase", "calls", "errored", "maybe", "late", "doubled", "hung", "untrue"];
  const cells = rows.map((row) => [
    row.peer,
    row.phase,
    ...[row.calls, row.errored, row.maybe, row.late, row.doubled, row.hung, row.untrue].map(whole),
  ]);
  return table(head, cells);
}
