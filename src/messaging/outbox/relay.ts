import { backoff } from "../../base/backoff.ts";
import { atMost, sleep } from "../../base/alarm.ts";
import { channels, type OutboxEvent } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Lease, OutboxRow } from "../../store/outbox-rows.ts";
import type { Following, LogState } from "../../store/log.ts";
import type { Listening, Store } from "../../store/store.ts";
import { noteOf } from "../failure-note.ts";
import { Leases } from "./leases.ts";
import { Pass } from "./pass.ts";
import type { RelayTerms } from "./relay-terms.ts";
import { StandingLanes } from "./standing-lanes.ts";
import { pauses, Tracks } from "./tracks.ts";
import { Waiter } from "./waiter.ts";

/** With nothing to do it looks again after this part of its longest pause, then twice that, and so on. */
const firstPart = 1 / 100;

export interface RelayParts {
  readonly store: Store;
  /** Opens the broker when it is first needed; a failure is told once. */
  readonly broker: () => Promise<Broker>;
  readonly terms: RelayTerms;
  /** Names the process. */
  readonly name: string;
  readonly env: Env;
}

/** What a relay has done since it began. */
export interface RelayStats {
  /** The database, without credentials. */
  readonly store: string;
  /** Messages that the broker has confirmed. */
  readonly published: number;
  /** Messages that were given up. */
  readonly dead: number;
  /** Shares of the lanes that it has, of 32. */
  readonly shares: number;
  /** Relays of the same outbox that live, as far as is known. */
  readonly relays: number;
  /** Lanes that stand still for a message that is not taken. */
  readonly standing: number;
  /** How long the oldest message waits, whoever has its lane, in milliseconds; as of the last look, a few seconds ago. */
  readonly oldestMs: number;
  /** Why nothing is published at the moment; undefined: something could be. */
  readonly trouble: string | undefined;
  /** Whether the log of the database is followed, and by whom, or why it is not; undefined: the store was not told to. */
  readonly log: LogState | undefined;
}

/**
 * Publishes what is in an outbox (polling publisher): reads the beginning of lanes, has the broker confirm it, takes it out, and reads
 * again from the beginning. It keeps no cursor (OB-2). Nothing of a lane is read while something of it is under way, so that its
 * order is kept; no transaction is open while the broker is asked (OB-6).
 */
export class Relay {
  readonly #parts: RelayParts;
  readonly #leases: Leases;
  readonly #standing: StandingLanes;
  readonly #pass: Pass;
  readonly #tracks: Tracks;
  readonly #change: Waiter;
  readonly #keeping: Waiter;
  #idleMs: number;
  #oldestMs = 0;
  /** How many were published when room was last given back. */
  #tidied = 0;
  #trouble: string | undefined;
  #running: Promise<unknown> | undefined;
  #listening: Listening | undefined;
  #following: Following | undefined;
  #log: LogState | undefined;
  #stopping = false;

  constructor(parts: RelayParts) {
    const { store, terms, name, env } = parts;
    this.#parts = parts;
    this.#leases = new Leases(`${name}-${uuidv7(env)}`, store.outbox, terms.leaseMs, env);
    this.#standing = new StandingLanes(env);
    this.#pass = new Pass({
      rows: store.outbox,
      terms,
      standing: this.#standing,
      holds: (lease) => this.#leases.holds(lease),
      tell: (event) => this.#tell(event),
    });
    this.#tracks = new Tracks(terms.concurrency, () => this.#change.call(), env);
    this.#change = new Waiter(env);
    this.#keeping = new Waiter(env);
    this.#idleMs = terms.pollMs * firstPart;
  }

  /** Begins. What goes wrong from here on is tried again, and told. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#running = Promise.all([this.#keep(), this.#publish(), this.#listen()]);
    this.#follow();
  }

  /** Something may be there: a hint, never needed (OB-9). */
  wake(): void {
    this.#idleMs = this.#parts.terms.pollMs * firstPart;
    this.#change.call();
  }

  stats(): RelayStats {
    const { published, dead } = this.#pass;
    return {
      store: this.#parts.store.address,
      published,
      dead,
      shares: this.#leases.held,
      relays: this.#leases.relays,
      standing: this.#standing.current.length,
      oldestMs: this.#oldestMs,
      trouble: this.#trouble,
      log: this.#log,
    };
  }

  /** Begins nothing more, waits at most `withinMs` for what is under way, and gives its lanes to the others. */
  async stop(withinMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#change.call();
    this.#keeping.call();
    const { env } = this.#parts;
    await atMost(env, withinMs, Promise.all([this.#running, ...this.#tracks.busy]));
    await this.#listening?.close().catch(() => {});
    if (this.#following !== undefined) await atMost(env, leaveMs, this.#following.close());
    await atMost(env, Math.max(withinMs, leaveMs), this.#leases.leave()).catch(() => {});
  }

  /** Says again and again that it lives, which is also how it gets its lanes. */
  async #keep(): Promise<void> {
    const { store, env } = this.#parts;
    for (let failures = 0; !this.#stopping;) {
      try {
        const more = await this.#leases.keep(
          (share) => this.#tracks.holds(share),
          (shares) => this.#pass.parked(shares),
        );
        if (more) this.wake();
        this.#oldestMs = await store.outbox.oldestMs();
        this.#tidied = this.#pass.published;
        await store.outbox.tidy?.();
        failures = 0;
        if (!this.#tracks.failing) this.#trouble = undefined;
      } catch (error) {
        this.#troubled(error);
        const pauseMs = backoff(failures++, pauses, () => env.random());
        await this.#keeping.wait(Math.min(pauseMs, this.#leases.pauseMs));
        continue;
      }
      await this.#keeping.wait(this.#leases.pauseMs);
    }
  }

  async #publish(): Promise<void> {
    const { env, terms } = this.#parts;
    while (!this.#stopping) {
      const lookedAt = env.now();
      const free = this.#tracks.free(this.#leases.usable);
      let rows: readonly OutboxRow[] = [];
      if (free.length > 0) {
        try {
          const { outbox } = this.#parts.store;
          const shares = free.map(({ share }) => share);
          rows = await outbox.read(shares, this.#standing.current, this.#parts.terms.batch);
        } catch (error) {
          this.#troubled(error);
        }
      }
      const lookMs = env.now() - lookedAt;
      if (rows.length > 0 && !this.#stopping) {
        this.#idleMs = terms.pollMs * firstPart;
        // A few are one pass together: each takes out what it has published by a statement of its own.
        const together = rows.length <= fewRows;
        this.#tracks.begin(rows, free, together, (own, leases) => this.#work(own, leases));
      } else if (!(await this.#change.wait(this.#pauseMs())))
        this.#idleMs = Math.min(this.#idleMs * 2, terms.pollMs);
      if (rows.length <= fewRows) await this.#gather(lookedAt, lookMs);
    }
  }

  /**
   * Where messages come one by one it is not looked for each: a look costs the database as much for one as for a hundred. So there is
   * a pause of a few times what the last one took, counted from its beginning; whoever comes after it is not kept waiting.
   */
  async #gather(lookedAt: number, lookMs: number): Promise<void> {
    const { env } = this.#parts;
    const pauseMs = lookedAt + Math.min(gatherMsMax, gatherLooks * lookMs) - env.now();
    if (pauseMs > 0 && !this.#stopping) await sleep(env, pauseMs);
  }

  #pauseMs(): number {
    return Math.min(this.#idleMs, this.#standing.soonestMs, this.#tracks.soonestMs);
  }

  /** True: something has succeeded. */
  async #work(rows: readonly OutboxRow[], leases: readonly Lease[]): Promise<boolean> {
    try {
      const broker = await this.#parts.broker();
      const trouble = await this.#pass.run(rows, leases, broker);
      if (trouble !== undefined) throw trouble;
      this.#trouble = undefined;
      if (this.#pass.published - this.#tidied >= tidyRows) this.#keeping.call();
      return true;
    } catch (error) {
      this.#troubled(error);
      return false;
    }
  }

  async #listen(): Promise<void> {
    const { store, env } = this.#parts;
    for (let failures = 0; !this.#stopping && this.#listening === undefined; failures++) {
      try {
        this.#listening = await store.listen(() => this.wake());
        if (this.#stopping) await this.#listening.close();
      } catch {
        await sleep(
          env,
          backoff(failures, pauses, () => env.random()),
        );
      }
    }
  }

  /** The log of the database tells of every commit at once, whoever has made it; the rows are read as always (OB-10). */
  #follow(): void {
    const { store, env } = this.#parts;
    const ear = {
      committed: () => {
        this.wake();
        // Only one process follows it: the others have lanes too.
        if (this.#leases.relays > 1) store.hint();
      },
      changed: (state: LogState) => {
        this.#log = state;
        for (const reason of toldOf(state)) this.#tell({ what: "log", reason });
      },
    };
    this.#following = store.log?.follow(ear, env);
  }

  #troubled(error: unknown): void {
    const { code, reason: why } = noteOf(error);
    const reason = `${code}: ${why}`;
    if (reason !== this.#trouble) this.#tell({ what: "trouble", reason });
    this.#trouble = reason;
  }

  #tell(event: Omit<OutboxEvent, "store">): void {
    if (!channels.outbox.hasSubscribers) return;
    channels.outbox.publish({ store: this.#parts.store.address, ...event } satisfies OutboxEvent);
  }
}

/** After so many rows were taken out their room is given back, whatever the time. */
const tidyRows = 10_000;

function toldOf(state: LogState): readonly string[] {
  if (state.is === "elsewhere") return [];
  if (state.is === "followed") return ["the log of the database is followed", ...state.warnings];
  return [
    `the log of the database is not followed, and the tables are looked at as without: ${state.reason}`,
  ];
}

/** Up to so many rows are published in one pass. */
const fewRows = 50;
/** From the beginning of one look to that of the next, where one brings as few: so many times as long as it takes, at most so long in milliseconds. */
const gatherLooks = 4;
const gatherMsMax = 20;
/** For giving back its lanes, at least, in milliseconds. */
const leaveMs = 1_000;
