import { ok } from "node:assert/strict";
import { inspect } from "node:util";
import { uuidv7 } from "../../base/id.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Kept, Lease, NewOutboxRow, OutboxRow } from "../outbox-rows.ts";
import type { Dialect, Store, StoreCapabilities } from "../store.ts";

/** What a client of a database is tried with. */
export interface StoreSubject {
  readonly dialect: Dialect;
  readonly capabilities: StoreCapabilities;
  readonly env: () => Env;
  /** An empty database of one's own. */
  readonly stand: () => Promise<StoreStand>;
}

/** One database. */
export interface StoreStand {
  /** A store on it, as another process would have one; the stage closes it. */
  open(): Store | Promise<Store>;
  /** Runs one statement of the user's own in a transaction, as his client does: SQL without parameters. Resolves with its rows. */
  execute(native: unknown, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /**
   * Runs `work` in a transaction that the user has begun by his own client, which commits it when `work` resolves, and rolls it back
   * with its error when it rejects. Absent: the client has none that could be adopted.
   */
  readonly own?: (work: (native: unknown) => Promise<void>) => Promise<void>;
  close(): Promise<void>;
}

/** One sentence about stores, with its proof. */
export interface Case {
  readonly name: string;
  /** For which it holds. Default: all. */
  readonly when?: (subject: StoreSubject) => boolean;
  /** Before the migrations. Default: they were run. */
  readonly empty?: boolean;
  readonly play: (stage: Stage) => Promise<void>;
}

/** All shares of the outbox. */
export const shares: readonly number[] = Array.from({ length: 32 }, (_, share) => share);

/** One database of the subject, for one case. */
export class Stage {
  readonly env: Env;
  readonly stand: StoreStand;
  readonly dialect: Dialect;
  readonly capabilities: StoreCapabilities;
  readonly #stores: Store[] = [];

  static async set(subject: StoreSubject, { play, empty = false }: Case): Promise<void> {
    const stand = await subject.stand();
    const stage = new Stage(subject, stand);
    try {
      if (!empty) await (await stage.open()).migrate();
      await play(stage);
    } finally {
      await Promise.all(stage.#stores.map((store) => store.close()));
      await stand.close();
    }
  }

  private constructor(subject: StoreSubject, stand: StoreStand) {
    this.env = subject.env();
    this.dialect = subject.dialect;
    this.capabilities = subject.capabilities;
    this.stand = stand;
  }

  /** One more process. */
  async open(): Promise<Store> {
    const store = await this.stand.open();
    this.#stores.push(store);
    return store;
  }

  row(text: string, terms: Partial<NewOutboxRow> = {}): NewOutboxRow {
    return {
      id: uuidv7(this.env),
      lane: 260,
      key: undefined,
      channel: '{"name":"suite"}',
      head: '{"type":"said"}',
      data: Buffer.from(text),
      notBefore: undefined,
      ...terms,
    };
  }

  /** Writes rows as an outbox does, in one transaction. */
  async write(store: Store, rows: readonly NewOutboxRow[]): Promise<void> {
    await store.transaction(async (tx) => {
      const lanes = [...new Set(rows.map(({ lane }) => lane))].filter((lane) => lane < 256);
      await store.outbox.lock(
        tx,
        lanes.toSorted((a, b) => a - b),
      );
      await store.outbox.insert(tx, rows);
    });
  }

  /** Gives what runs beside it its chance: as many round trips as it could need, and more. */
  async meanwhile(): Promise<void> {
    // Another process: a client with one connection would wait for its own transaction.
    const other = await this.open();
    for (let times = 0; times < 20; times++) await other.outbox.oldestMs();
  }

  /** A table of the user's own. */
  async ownTable(store: Store): Promise<void> {
    await store.transaction((tx) =>
      this.stand.execute(tx.native, "CREATE TABLE suite_effect (id integer NOT NULL PRIMARY KEY)"),
    );
  }

  /** What is in it. */
  async effects(store: Store): Promise<number[]> {
    const rows = await store.transaction((tx) =>
      this.stand.execute(tx.native, "SELECT id FROM suite_effect ORDER BY id"),
    );
    return rows.map((row) => Number(row["id"]));
  }

  /** All leases, for a relay that is alone. */
  async lease(store: Store, relay = "relay-1"): Promise<readonly Lease[]> {
    const { leases }: Kept = await store.outbox.keep(relay, 60_000, []);
    return leases;
  }
}

export function textsOf(rows: readonly Pick<OutboxRow, "data">[]): string[] {
  return rows.map(({ data }) => Buffer.from(data).toString());
}

/** The error that a promise rejects with, which must be ours. */
export async function refusal(of: Promise<unknown>): Promise<TrunklineError> {
  const outcome = await of.then(
    () => undefined,
    (error: unknown) => error,
  );
  ok(isTrunklineError(outcome), `it did not reject with a TrunklineError: ${inspect(outcome)}`);
  return outcome;
}
