import { alarmAt } from "../../../base/alarm.ts";
import { backoff } from "../../../base/backoff.ts";
import type { Env } from "../../../base/env.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { Following, LogListener, LogState } from "../../log.ts";
import { readSlot, type ReplicationClient, type SlotStream } from "./slot-stream.ts";
import { table, troubleOf, warningsOf, type Query, type Slots } from "./slots.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** Between tries of a log that cannot be read, in milliseconds. */
const pauses = { baseMs: 1_000, capMs: 60_000 };
/** Until it is looked again whether the process that reads it still does, in milliseconds. */
const elsewhereMs = 5_000;
/** Between looks at what is confirmed meanwhile, in milliseconds. */
const checkMs = 1_000;
/** Rows that are looked for in one of them. */
const checkRows = 20_000;
/** Between words of our own in the log, and between words to the server at least, in milliseconds. */
const beatMs = 10_000;
/** Who has not heard of the server for so long asks it anew, in milliseconds. */
const silentMs = 30_000;
const prefix = "trunkline";

export interface TailParts {
  readonly slots: Slots;
  readonly query: Query;
  /** A connection for one reading. */
  readonly connect: () => Promise<ReplicationClient>;
  readonly env: Env;
}

/** Follows the log of one database until it is closed. */
export class LogTail implements Following {
  readonly #parts: TailParts;
  readonly #ear: LogListener;
  readonly #running: Promise<void>;
  #unconfirmed = new Unconfirmed();
  #stream: SlotStream | undefined;
  #told = "";
  #heardAt = 0;
  #failures = 0;
  #closing = false;
  #alarm: Alarm | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: TailParts, ear: LogListener) {
    this.#parts = parts;
    this.#ear = ear;
    this.#running = this.#run();
  }

  get unconfirmed(): number {
    return this.#unconfirmed.rows;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { env } = this.#parts;
    while (!this.#closing) {
      let pauseMs: number;
      try {
        await this.#read();
        pauseMs = elsewhereMs;
      } catch (error) {
        this.#tell({ is: "lost", reason: reasonOf(error) });
        pauseMs = backoff(this.#failures++, pauses, () => env.random());
      }
      if (!this.#closing) await this.#pause(pauseMs);
    }
  }

  /** Reads until it is closed, and rejects when it cannot any more. Resolves at once when another process does. */
  async #read(): Promise<void> {
    const { slots, env } = this.#parts;
    const look = await slots.look();
    const trouble = troubleOf(look);
    if (trouble !== "") throw new Error(trouble);
    const { slot, publication, found } = look;
    if (found?.active === true) return this.#tell({ is: "elsewhere" });
    const unconfirmed = (this.#unconfirmed = new Unconfirmed());
    this.#heardAt = env.now();
    const client = await this.#parts.connect();
    try {
      this.#stream = await readSlot(
        client,
        { slot, publication, table },
        this.#earOf(unconfirmed),
        env,
      );
    } catch (error) {
      if ((error as { code?: unknown }).code === objectInUse)
        return this.#tell({ is: "elsewhere" });
      throw error;
    }
    this.#tell({ is: "followed", warnings: warningsOf(look) });
    try {
      await this.#watch(this.#stream, unconfirmed, slot);
    } finally {
      const stream = this.#stream;
      this.#stream = undefined;
      await stream.close();
    }
  }

  #earOf(unconfirmed: Unconfirmed): Parameters<typeof readSlot>[2] {
    const { env } = this.#parts;
    let rows = 0;
    return {
      inserted: ({ seq }) => {
        this.#heardAt = env.now();
        rows++;
        unconfirmed.inserted(seq);
      },
      committed: (end) => {
        unconfirmed.committed(end, env.now());
        if (rows > 0) this.#ear.committed();
        rows = 0;
      },
      said: () => {
        this.#heardAt = env.now();
        this.#failures = 0;
      },
      quiet: (end, answer) => {
        this.#heardAt = env.now();
        unconfirmed.quiet(end, env.now());
        if (answer) this.#stream?.acknowledge(unconfirmed.read, unconfirmed.confirmed);
      },
    };
  }

  async #watch(stream: SlotStream, unconfirmed: Unconfirmed, slot: string): Promise<void> {
    const { env, query } = this.#parts;
    let saidAt = -Infinity;
    let said = 0n;
    while (!this.#closing) {
      const beats = env.now() - saidAt >= beatMs;
      // It moves the slot of a table that nobody writes to, and shows that all of the way is open.
      if (beats) await query("SELECT pg_logical_emit_message(false, $1, $2)", [prefix, slot]);
      await this.#check(unconfirmed);
      if (beats || unconfirmed.confirmed > said) {
        said = unconfirmed.confirmed;
        saidAt = beats ? env.now() : saidAt;
        stream.acknowledge(unconfirmed.read, said);
      }
      await Promise.race([stream.over, this.#pause(checkMs)]);
      if (env.now() - this.#heardAt > silentMs)
        throw new Error(`nothing was heard of the log for ${silentMs / 1_000} s`);
    }
    await this.#check(unconfirmed);
    stream.acknowledge(unconfirmed.read, unconfirmed.confirmed);
  }

  /** Whoever has published rows has taken them out of the table: so it is known of other processes too. */
  async #check(unconfirmed: Unconfirmed): Promise<void> {
    const { env, query } = this.#parts;
    for (let full = true; full;) {
      const seqs = unconfirmed.pending(env.now(), checkRows);
      if (seqs.length === 0) return;
      const there = await query(`SELECT seq FROM ${table} WHERE seq = ANY($1::bigint[])`, [
        `{${seqs.join(",")}}`,
      ]);
      const gone = new Set(seqs);
      for (const { seq } of there) gone.delete(Number(seq));
      unconfirmed.gone(gone, env.now());
      full = gone.size === checkRows;
    }
  }

  #tell(state: LogState): void {
    const told = JSON.stringify(state);
    if (told === this.#told) return;
    this.#told = told;
    this.#ear.changed(state);
    // What was committed while nobody read it may have been told to nobody.
    if (state.is === "followed") this.#ear.committed();
  }

  async #pause(ms: number): Promise<void> {
    const { env } = this.#parts;
    if (this.#closing) return;
    if (this.#alarm !== undefined) env.clear(this.#alarm);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#alarm = alarmAt(env, env.now() + ms, resolve);
    });
    env.clear(this.#alarm!);
  }
}

const objectInUse = "55006";
const insufficientPrivilege = "42501";

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  if ((error as { code?: unknown }).code !== insufficientPrivilege) return reason;
  return `this user may not read the log: ALTER ROLE … REPLICATION, or what the provider has instead (${reason})`;
}
