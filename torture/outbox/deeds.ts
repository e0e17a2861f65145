import { setTimeout as pause } from "node:timers/promises";
import { isTrunklineError } from "trunkline";
import { outbox, type Outbox } from "trunkline/store";
import type { Log } from "../log.ts";
import { bindings, Torture, type Told } from "./contract.ts";
import type { Database } from "./database.ts";
import { ask, nextOf } from "./own-sql.ts";
import { countedAfter, countedFirst } from "./place.ts";

/** What takes longer is hung. */
const hungMs = 45_000;
/** Of the transactions, so many are rolled back in the end; so many are long; so many publish without a key; so many are begun by the client. */
const undone = 0.1;
const long = 0.04;
const unordered = 0.15;
const clients = 0.15;
/** Of the messages, so many are followed by another one of their handler. */
const followed = 0.3;
/** How long they are at most, in milliseconds; where only one can write at a time all others wait for it. */
const longMs = { sideBySide: 1_000, alone: 60 };
/** Between what is written and what is counted, in milliseconds at most: others of the key come in between, if they can. */
const writtenMs = 20;

const regret = new Error("it was not to be");

/** The transactions of one writer, of all kinds. */
export class Deeds {
  readonly #database: Database;
  readonly #box: Outbox;
  readonly #log: Log;
  /** Names what this life of the process does. */
  readonly #life: string;
  #count = 0;

  constructor(database: Database, log: Log, name: string) {
    this.#database = database;
    this.#box = outbox(database.store, { name, bindings });
    this.#log = log;
    this.#life = `${name}.${process.hrtime.bigint().toString(36)}`;
  }

  /** One of them. What came of it is logged: `did` with the messages that it should have written, `undid`, or nothing, when nobody knows. */
  async next(): Promise<void> {
    const id = `${this.#life}.${++this.#count}`;
    const alarm = setTimeout(() => this.#log.write("hung", id), hungMs);
    try {
      this.#log.write("did", id, await this.#transaction(id));
    } catch (error) {
      if (error === regret || (isTrunklineError(error) && error.executed === "no"))
        this.#log.write("undid", id);
      else if (!isTrunklineError(error))
        this.#log.write("failed", id, error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(alarm);
    }
  }

  /** Resolves with how many messages it has published. */
  #transaction(id: string): Promise<number> {
    const kind = Math.random();
    const { own } = this.#database;
    if (kind < clients && own !== undefined)
      return own(async (native) => {
        await this.#publishThenCount(native, id);
        return 1;
      });
    const keys = kind > 1 - unordered ? [] : severalOf(countedFirst);
    return this.#box.transaction(async ({ tx, publish }) => {
      for (const [index, key] of keys.entries()) {
        const told = toldOf(`${id}.${index + 1}`, key);
        await this.#note(tx, told, await nextOf(this.#database.store.dialect, tx, key));
        await publish(Torture.placed, told, { id: told.id });
      }
      if (keys.length === 0) {
        const told = { id: `${id}.1`, key: "", follow: false };
        await this.#note(tx, told, 0);
        await publish(Torture.noted, told, { id: told.id });
      }
      await this.#end();
      return Math.max(1, keys.length);
    });
  }

  /** Written at once, and only then is its key counted: see `countedAfter`. */
  async #publishThenCount(native: unknown, id: string): Promise<void> {
    const told = toldOf(`${id}.1`, oneOf(countedAfter));
    await this.#box.publish(native, Torture.placed, told, { id: told.id });
    await pause(Math.random() * writtenMs);
    await this.#end();
    await this.#note(native, told, await nextOf(this.#database.store.dialect, native, told.key));
  }

  /** The business of the user's own: what it writes in the same transaction. */
  async #note(tx: unknown, { id, key, follow }: Told, n: number): Promise<void> {
    const sql = "insert into torture_sent (id, k, n, follow) values (?, ?, ?, ?)";
    await ask(this.#database.store.dialect, tx, sql, [id, key, n, follow ? 1 : 0]);
  }

  async #end(): Promise<void> {
    const { concurrent } = this.#database.store.capabilities;
    if (Math.random() < long)
      await pause(Math.random() * (concurrent ? longMs.sideBySide : longMs.alone));
    if (Math.random() < undone) throw regret;
  }
}

function toldOf(id: string, key: string): Told {
  return { id, key, follow: Math.random() < followed };
}

function oneOf<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)]!;
}

/** One to three keys in their order: whoever takes several locks takes them so. */
function severalOf(keys: readonly string[]): readonly string[] {
  const count = 1 + Math.floor(Math.random() * 3);
  return [...new Set(Array.from({ length: count }, () => oneOf(keys)))].toSorted();
}
