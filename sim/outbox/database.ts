/** Rows of one table by their key. */
type Table = Map<string, unknown>;

interface State {
  readonly tables: Map<string, Table>;
  /** Numbers that were drawn, by the name of their sequence. */
  readonly drawn: Map<string, number>;
}

/** What is waited for too long is a conflict, in milliseconds. */
const lockWaitMs = 5_000;

/** The database has ended the transaction. `told`: what the client is to hear. */
export class Aborted extends Error {
  readonly kind: "conflict" | "lost";

  constructor(kind: "conflict" | "lost", reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** An open transaction: what it wrote is seen by itself alone until it is committed (read committed). */
export class ModelTransaction {
  /** The connection by which it came: with that it ends. */
  readonly session: object;
  readonly writes = new Map<string, Map<string, unknown>>();
  readonly locks = new Set<string>();
  readonly atCommit: (() => void)[] = [];
  /** Why it is over, where it is. */
  ended: "committed" | "rolled back" | undefined = undefined;

  constructor(session: object) {
    this.session = session;
  }
}

/** Time, as the database needs it. */
interface Clock {
  readonly now: number;
  in(delayMs: number, work: () => void): void;
}

/**
 * A database in memory, as far as what Trunkline does with one depends on it: what is committed is seen at once and altogether, sequences
 * are drawn when they are asked for and never given back, so that their order is not that of the commits, locks are held to the end of
 * their transaction, and whoever waits for one waits until it is committed or rolled back. It may end, and come back with what was
 * committed; or with what was committed some time ago, as a replica does that has not heard of the rest.
 */
export class ModelDatabase {
  #state: State = { tables: new Map(), drawn: new Map() };
  readonly #clock: Clock;
  readonly #open = new Set<ModelTransaction>();
  readonly #holders = new Map<string, ModelTransaction>();
  readonly #waiters = new Map<string, { tx: ModelTransaction; resume: () => void }[]>();
  readonly #past: { readonly at: number; readonly state: State }[] = [];
  up = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get now(): number {
    return Math.floor(this.#clock.now);
  }

  begin(session: object): ModelTransaction {
    const tx = new ModelTransaction(session);
    this.#open.add(tx);
    return tx;
  }

  /** Never given back, whatever becomes of who has drawn it. */
  draw(sequence: string): number {
    const next = (this.#state.drawn.get(sequence) ?? 0) + 1;
    this.#state.drawn.set(sequence, next);
    return next;
  }

  /** Resolves when `tx` has the lock, which it keeps to its end. */
  async lock(tx: ModelTransaction, name: string): Promise<void> {
    check(tx);
    const holder = this.#holders.get(name);
    if (holder === tx) return;
    if (holder === undefined) {
      this.#holders.set(name, tx);
      tx.locks.add(name);
      return;
    }
    if (this.#waitsFor(holder, tx)) {
      this.rollback(tx);
      throw new Aborted("conflict", "deadlock detected");
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { tx, resume: resolve };
    const queue = this.#waiters.get(name) ?? [];
    this.#waiters.set(name, [...queue, waiter]);
    let late = false;
    this.#clock.in(lockWaitMs, () => {
      late = true;
      resolve();
    });
    await promise;
    if (tx.ended === undefined && this.#holders.get(name) === tx) return;
    if (tx.ended === undefined && late) {
      this.rollback(tx);
      throw new Aborted("conflict", "a lock was waited for too long");
    }
    throw new Aborted("lost", "the connection is lost");
  }

  /** Whether `tx` would wait for it. */
  heldByOthers(tx: ModelTransaction, name: string): boolean {
    const holder = this.#holders.get(name);
    return holder !== undefined && holder !== tx;
  }

  /** Whether `tx` waits, by however many others, for a lock that `other` holds. */
  #waitsFor(tx: ModelTransaction, other: ModelTransaction): boolean {
    for (const [name, queue] of this.#waiters) {
      if (!queue.some((each) => each.tx === tx)) continue;
      const holder = this.#holders.get(name);
      if (holder === other || (holder !== undefined && this.#waitsFor(holder, other))) return true;
    }
    return false;
  }

  /** A row as `tx` sees it, or as anybody does. */
  get(table: string, key: string, tx?: ModelTransaction): unknown {
    const own = tx?.writes.get(table);
    if (own?.has(key) === true) return own.get(key);
    return this.#state.tables.get(table)?.get(key);
  }

  /** All rows that are committed. */
  rows(table: string): [string, unknown][] {
    return [...(this.#state.tables.get(table) ?? [])];
  }

  /** Writes a row, or takes it out; in `tx`, or by itself at once. */
  set(table: string, key: string, row: unknown, tx?: ModelTransaction): void {
    if (tx === undefined) return this.#apply(table, key, row);
    check(tx);
    const own = tx.writes.get(table) ?? new Map<string, unknown>();
    tx.writes.set(table, own.set(key, row));
  }

  #apply(name: string, key: string, row: unknown): void {
    let table = this.#state.tables.get(name);
    if (table === undefined) this.#state.tables.set(name, (table = new Map()));
    if (row === undefined) table.delete(key);
    else table.set(key, row);
  }

  /** Everything of it is there at this moment, and its locks are free after it. */
  commit(tx: ModelTransaction): void {
    check(tx);
    for (const [table, rows] of tx.writes)
      for (const [key, row] of rows) this.#apply(table, key, row);
    for (const act of tx.atCommit) act();
    this.#end(tx, "committed");
  }

  rollback(tx: ModelTransaction): void {
    if (tx.ended === undefined) this.#end(tx, "rolled back");
  }

  #end(tx: ModelTransaction, how: "committed" | "rolled back"): void {
    tx.ended = how;
    this.#open.delete(tx);
    for (const name of tx.locks) {
      this.#holders.delete(name);
      const queue = this.#waiters.get(name) ?? [];
      const next = queue.find((each) => each.tx.ended === undefined);
      this.#waiters.set(
        name,
        queue.slice(next === undefined ? queue.length : queue.indexOf(next) + 1),
      );
      if (next === undefined) continue;
      this.#holders.set(name, next.tx);
      next.tx.locks.add(name);
      next.resume();
    }
    for (const [name, queue] of this.#waiters) {
      for (const each of queue) if (each.tx === tx) each.resume();
      this.#waiters.set(
        name,
        queue.filter((each) => each.tx !== tx),
      );
    }
  }

  /** A connection is gone: what it had open is rolled back. */
  drop(session: object): void {
    for (const tx of [...this.#open]) if (tx.session === session) this.rollback(tx);
  }

  /** kill -9, and back again: what was committed is there. */
  crash(): void {
    for (const tx of [...this.#open]) this.rollback(tx);
  }

  /** Remembers what is committed now, for a failover. */
  remember(): void {
    this.#past.push({ at: this.now, state: copied(this.#state) });
    if (this.#past.length > pastMax) this.#past.shift();
  }

  /** Another server takes over that has heard of everything up to some time ago. Gives the instant. */
  failOver(ageMs: number): number {
    this.crash();
    const then = this.#past.findLast(({ at }) => at <= this.now - ageMs) ?? this.#past[0];
    if (then === undefined) return this.now;
    this.#state = copied(then.state);
    this.#past.length = 0;
    return then.at;
  }
}

/** States that are kept for failovers. */
const pastMax = 64;

function copied({ tables, drawn }: State): State {
  return {
    tables: new Map([...tables].map(([name, rows]) => [name, new Map(rows)])),
    drawn: new Map(drawn),
  };
}

function check({ ended }: ModelTransaction): void {
  if (ended !== undefined) throw new Aborted("lost", "the transaction is over");
}
