import { leaseShares } from "../../src/store/outbox-rows.ts";
import type { Store } from "../../src/store/store.ts";
import { ask, type Row } from "./own-sql.ts";
import type { Effect, Sent } from "./verdict.ts";

/** What the tables of a database say. */
export interface Ledger {
  readonly sent: readonly Sent[];
  readonly effects: readonly Effect[];
}

/** What is still under way. */
export interface Left {
  /** Rows in the outbox. */
  readonly pending: number;
  /** Rows that were given up. */
  readonly dead: number;
  /** Effects that are still to come. */
  readonly effects: number;
  /** Messages whose attempts are still counted, though they were not handled. Of those that were it is purged by age. */
  readonly attempts: number;
  readonly relays: number;
  /** Shares of the lanes that somebody has. */
  readonly leased: number;
}

export async function ledgerOf(store: Store): Promise<Ledger> {
  const rows = (sql: string): Promise<readonly Row[]> =>
    store.transaction(({ native }) => ask(store.dialect, native, sql));
  const sent = await rows("select id, k, n, follow from torture_sent");
  const effects = await rows("select kind, id from torture_effect order by seq");
  return {
    sent: sent.map((row) => ({
      id: String(row["id"]),
      key: String(row["k"]),
      n: Number(row["n"]),
      follow: Number(row["follow"]) === 1,
    })),
    effects: effects.map((row) => ({ kind: String(row["kind"]), id: String(row["id"]) })),
  };
}

export async function leftOf(store: Store): Promise<Left> {
  const count = async (sql: string): Promise<number> => {
    const [row] = await store.transaction(({ native }) => ask(store.dialect, native, sql));
    return Number(row?.["c"]);
  };
  const { pending, dead, relays, unleased } = await store.outbox.status(0);
  const sent = await count("select count(*) as c from torture_sent");
  const followed = await count("select count(*) as c from torture_sent where follow = 1");
  const effects = await count("select count(*) as c from torture_effect");
  const attempts = await count(
    "select count(*) as c from trunkline_inbox_attempt a where not exists (select 1 from trunkline_inbox i where i.consumer = a.consumer and i.message = a.message)",
  );
  const missing = Math.max(0, sent + followed - effects);
  return { pending, dead, effects: missing, attempts, relays, leased: leaseShares - unleased };
}

/** Nothing is left to do: all was published and handled, or given up. */
export function isDone({ pending, effects, attempts }: Left): boolean {
  return pending + effects + attempts === 0;
}
