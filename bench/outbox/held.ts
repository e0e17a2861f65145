import { Client } from "pg";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";
import { startPeer, type PeerChild } from "./measured.ts";
import { userTable } from "./peer.ts";

const promised = "trunkline, by key";
const peers = [promised, "pg-boss", "graphile-worker"];
/** Messages a second of each, all three at once on the same server. */
const perSecond = 200;
const slices = 20;
/** Of the tables of ours, whatever the time. */
const bytesMax = 64 * 1024 * 1024;

/** One peer at one time, while somebody's transaction is open. */
export interface HeldRow {
  readonly peer: string;
  readonly case: string;
  readonly atSeconds: number;
  /** Of all its tables and indexes. */
  readonly bytes: number;
  readonly deadRows: number;
  readonly handledP50Ms: number;
  readonly handledP99Ms: number;
  /** One look for messages; null where that cannot be asked alone. */
  readonly claimMs: number | null;
  readonly lost: number;
}

/** Steady load beside a transaction that stays open with its snapshot: what cannot be cleared away then. */
export async function held(
  database: OwnDatabases,
  options: BenchOptions,
): Promise<{ rows: HeldRow[]; goals: Goal[] }> {
  const rows: HeldRow[] = [];
  const seconds = options.quick ? 0.2 : options.seconds / slices;
  await Promise.all(
    peers.map(async (peer) => {
      const address = await database.fresh();
      const child = await startPeer(peer, address, options);
      const watcher = new Client({ connectionString: address });
      const holder = new Client({ connectionString: address });
      await Promise.all([watcher.connect(), holder.connect()]);
      try {
        await child.ask({ ask: "consume" });
        await child.ask({ ask: "steady", perSecond, seconds });
        await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
        await holder.query(`SELECT count(*) FROM ${userTable}`);
        const began = performance.now();
        for (let slice = 0; slice < (options.quick ? 1 : slices); slice++) {
          options.progress(`a transaction is open, ${slice + 1} of ${slices}: ${peer}`);
          rows.push(await sliceOf(peer, child, watcher, began, seconds));
        }
        await child.ask({ ask: "end" });
      } finally {
        await child.end();
        await Promise.all([watcher.end(), holder.end()]);
      }
    }),
  );
  const last = rows.findLast(({ peer }) => peer === promised)!;
  const first = rows.find(({ peer }) => peer === promised)!;
  const goals = [
    goal("bytes of the outbox while a transaction stays open", last.bytes, "≤", bytesMax, ""),
    goal(
      "claim at the end of a long transaction / at its beginning",
      Number(((last.claimMs ?? 0) / Math.max(1, first.claimMs ?? 0)).toPrecision(3)),
      "≤",
      2,
      "×",
    ),
  ];
  return { rows, goals };
}

async function sliceOf(
  peer: string,
  child: PeerChild,
  watcher: Client,
  began: number,
  seconds: number,
): Promise<HeldRow> {
  const told = await child.ask({ ask: "steady", perSecond, seconds });
  const { rows } = await watcher.query<{ bytes: string; dead: string }>(
    `SELECT coalesce(sum(pg_total_relation_size(relid)), 0) AS bytes, coalesce(sum(n_dead_tup), 0) AS dead
     FROM pg_stat_user_tables WHERE relname <> $1`,
    [userTable],
  );
  return {
    peer,
    case: "a transaction stays open",
    atSeconds: Math.round((performance.now() - began) / 1_000),
    bytes: Number(rows[0]!.bytes),
    deadRows: Number(rows[0]!.dead),
    handledP50Ms: told.handledP50Ms,
    handledP99Ms: told.handledP99Ms,
    claimMs: told.claimMs ?? null,
    lost: told.lost,
  };
}
