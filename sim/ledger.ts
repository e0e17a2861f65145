import { isTrunklineError, type TrunklineError } from "trunkline";
import type { SimEnv, World } from "trunkline/testing";
import type { End, Work } from "./contract.ts";
import type { Sent } from "./sent.ts";

export type OperationMember = Exclude<keyof typeof Work & string, keyof object>;

/** One execution of a handler, from its first effect. */
export interface Run {
  readonly env: SimEnv;
  readonly beganAt: number;
  endedAt: number | undefined;
}

/** How an operation came out for its caller. */
export type Outcome =
  | { readonly ok: true; readonly left: boolean }
  | { readonly ok: false; readonly error: TrunklineError };

/** One operation as the caller began it, and everything that became of it. */
export interface Entry {
  readonly id: string;
  readonly member: OperationMember;
  readonly env: SimEnv;
  readonly server: number;
  readonly end: End;
  readonly heeds: boolean;
  readonly startedAt: number;
  /** When a call must have settled, and a stream been accepted. */
  readonly dueAt: number;
  /** The handler that made this call; undefined for calls of clients. */
  readonly parent: Entry | undefined;
  /** True when the handler calls on in its turn. */
  readonly hops: boolean;
  /** It goes over the connection of whoever has called. */
  readonly back: boolean;
  /** That connection was over before it began. */
  late: boolean;
  readonly runs: Run[];
  refusals: number;
  settledAt: number | undefined;
  outcome: Outcome | undefined;
  /** When the caller gave up by itself; Infinity while it has not. */
  cancelledAt: number;
  /** Items that the handler has given, and that the reader has taken. */
  produced: number;
  taken: number;
  /** How many a stream has in all; 0 where only its handler knows. */
  awaits: number;
  /** The items that an upload or duplex sends, and the bounds that it was given. */
  sending: Sent | undefined;
  totalAt: number;
  idleMs: number;
}

/** Keeps what callers and handlers did in one run, and what they should not have done. */
export class Ledger {
  readonly world: World;
  readonly entries = new Map<string, Entry>();
  readonly violations: string[] = [];
  /** The ids of incidents that were reported, each with how often. */
  readonly incidents = new Map<string, number>();
  readonly #pauses = new Map<SimEnv, { from: number; to: number }[]>();

  constructor(world: World) {
    this.world = world;
  }

  complain(what: string): void {
    const line = `at ${this.world.now.toFixed(2)} ms: ${what}`;
    this.violations.push(line);
    this.world.trace(`VIOLATION ${what}`);
  }

  /** An operation begins at its caller. */
  begin(
    given: Pick<Entry, "id" | "member" | "env" | "server" | "end" | "heeds" | "dueAt"> &
      Partial<Pick<Entry, "parent" | "hops" | "back">>,
  ): Entry {
    const entry: Entry = {
      ...given,
      parent: given.parent,
      hops: given.hops ?? false,
      back: given.back ?? false,
      late: false,
      startedAt: this.world.now,
      runs: [],
      refusals: 0,
      settledAt: undefined,
      outcome: undefined,
      cancelledAt: Infinity,
      produced: 0,
      taken: 0,
      awaits: 0,
      sending: undefined,
      totalAt: Infinity,
      idleMs: Infinity,
    };
    this.entries.set(entry.id, entry);
    const within = (entry.dueAt - entry.startedAt).toFixed(0);
    this.world.trace(`${entry.env.name} ${entry.member} ${entry.id} begins, due in ${within} ms`);
    return entry;
  }

  settle(entry: Entry, outcome: Outcome): void {
    if (entry.outcome !== undefined) this.complain(`${entry.id} settled twice`);
    entry.outcome = outcome;
    entry.settledAt = this.world.now;
    this.world.trace(`${entry.env.name} ${entry.member} ${entry.id} settles: ${told(outcome)}`);
  }

  /** A failure as the caller got it: it must be one of ours. */
  fail(entry: Entry, error: unknown): void {
    if (isTrunklineError(error)) {
      this.settle(entry, { ok: false, error });
    } else {
      this.complain(`${entry.id} failed with ${String(error)}, which is not a TrunklineError`);
      this.settle(entry, { ok: true, left: true });
    }
  }

  /** A handler is about to have its first effect. */
  run(id: string, env: SimEnv): Run {
    const run: Run = { env, beganAt: this.world.now, endedAt: undefined };
    const entry = this.entries.get(id);
    if (entry === undefined) this.complain(`a handler runs for ${id}, which nobody asked for`);
    entry?.runs.push(run);
    this.world.trace(`${env.name} runs ${id}`);
    return run;
  }

  ended(id: string, run: Run): void {
    run.endedAt = this.world.now;
    this.world.trace(`${run.env.name} ends ${id}`);
  }

  /** Handlers that have begun in this life of a node and not ended. */
  running(env: SimEnv): number {
    let running = 0;
    for (const { runs } of this.entries.values())
      for (const run of runs) if (run.env === env && run.endedAt === undefined) running++;
    return running;
  }

  /** When the last handler in this life of a node has ended, and the last call back was answered. */
  busyUntil(env: SimEnv): number {
    let latest = 0;
    for (const { runs, env: from, back, settledAt } of this.entries.values()) {
      if (back && from === env) latest = Math.max(latest, settledAt ?? Infinity);
      for (const run of runs)
        if (run.env === env) latest = Math.max(latest, run.endedAt ?? Infinity);
    }
    return latest;
  }

  paused(env: SimEnv, forMs: number): void {
    const from = this.world.now;
    let pauses = this.#pauses.get(env);
    if (pauses === undefined) this.#pauses.set(env, (pauses = []));
    pauses.push({ from, to: from + forMs });
  }

  /** The last instant at which a node does what is due: later than `at` only where it stood still. */
  latest(env: SimEnv, at: number): number {
    let latest = at;
    for (const { from, to } of this.#pauses.get(env) ?? []) {
      if (from <= latest && latest < to) latest = to;
    }
    return latest;
  }
}

export function told(outcome: Outcome): string {
  if (outcome.ok) return outcome.left ? "left" : "ok";
  const { code, executed, reason } = outcome.error;
  return `${code} executed: ${executed} (${reason})`;
}
