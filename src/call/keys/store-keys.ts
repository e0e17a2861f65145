import { createHash } from "node:crypto";
import { alarmAt, atMost } from "../../base/alarm.ts";
import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { KeyRows, KnownKey } from "../../store/key-rows.ts";
import type { Store } from "../../store/store.ts";
import type { Transaction } from "../../store/transaction.ts";
import { readEnding, writtenEnding } from "./ending-text.ts";
import type { Claim, Ending, TransactionalKeyStore } from "./key-store.ts";

/** How keys are remembered in a database. Everything has a default. */
export interface StoreKeysOptions {
  /**
   * Names the store to callers, who ask another instance with the same key only where it has a store of the same name. Default: made
   * from where the database is, and from what it is called by itself since its first use.
   */
  readonly name?: string;
  /** What was begun by a process that is not heard of for so long is nobody's any more, in milliseconds. 1,000 to 600,000. Default 10,000. */
  readonly leaseMs?: number;
  /** How long a key is known after its work has ended, in milliseconds. At least 1,000. Default 86,400,000: one day. */
  readonly ttlMs?: number;
  /**
   * An answer of more bytes is not kept: who asks again hears that the work was done. At most what a row of the database takes.
   * Default 256 KiB.
   */
  readonly answerBytesMax?: number;
}

interface StoreKeysTerms {
  readonly name: string | undefined;
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly answerBytesMax: number;
}

/** Makes the store once the clock is known by which it says that it lives. */
export type TransactionalKeyStoreFactory = (env: Env) => TransactionalKeyStore;

/**
 * Remembers keys in a database, which all replicas of a service share. Where handlers write to that database in the transaction that
 * they are given (`serve(…, { store })`), a key, its effects and its answer are committed together. Elsewhere what a process had
 * begun when it died answers `maybe`, and is not begun again by itself.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what cannot be meant.
 */
export function storeKeys(
  store: Store,
  options: StoreKeysOptions = {},
): TransactionalKeyStoreFactory {
  const { bytesMax } = store.capabilities;
  const { name, leaseMs = 10_000, ttlMs = 86_400_000 } = options;
  const { answerBytesMax = Math.min(256 * 1024, bytesMax) } = options;
  for (const [term, value, least, most] of [
    ["leaseMs", leaseMs, 1_000, 600_000],
    ["ttlMs", ttlMs, 1_000, Number.MAX_SAFE_INTEGER],
    ["answerBytesMax", answerBytesMax, 1, bytesMax],
  ] as const) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `${term} of keys is from ${least} to ${most}, not ${value}`,
      { executed: "no" },
    );
  }
  return (env) => new StoreKeys(store, { name, leaseMs, ttlMs, answerBytesMax }, env);
}

/** What is taken out at once, and how soon the next, while there is more. */
const purgeBatch = 1_000;
const purgeAgainMs = 100;
/** It is looked for keys whose time is over so often in their time, and not less often than this, in milliseconds. */
const purgesPerTtl = 100;
const purgeMsMax = 600_000;
/** A process that ends says so, and waits for that no longer, in milliseconds. */
const farewellMs = 1_000;

/** The key under which a database keeps what it is called, and who has it for ever. No digest looks like that. */
const own = "store";
const foreverMs = 100 * 365 * 86_400_000;

class StoreKeys implements TransactionalKeyStore {
  readonly store: Store;
  name: string | undefined;
  readonly #rows: KeyRows;
  readonly #terms: StoreKeysTerms;
  readonly #env: Env;
  /** This life of the process. */
  readonly #owner: string;
  #closed = false;
  #renewal: Alarm | undefined;
  #purge: Alarm | undefined;
  /** It is told once that the database does not answer. */
  #troubled = false;

  constructor(store: Store, terms: StoreKeysTerms, env: Env) {
    this.store = store;
    this.name = terms.name;
    this.#rows = store.keys;
    this.#terms = terms;
    this.#env = env;
    this.#owner = uuidv7(env);
  }

  async open(): Promise<void> {
    await this.#rows.alive(this.#owner, this.#terms.leaseMs);
    this.name ??= await this.#called();
    this.#renewLater();
    this.#purgeLater(this.#pauseMs());
  }

  /** Two databases are the same only where both say the same: one may be a copy of the other, and two be at the same address in turn. */
  async #called(): Promise<string> {
    await this.#rows.alive(own, foreverMs);
    const drawn = uuidv7(this.#env);
    const known = await this.#rows.claim(own, drawn, own);
    const hash = createHash("sha256").update(`${this.store.address}\n${known?.input ?? drawn}`);
    return `${this.store.dialect}-${hash.digest("base64url").slice(0, 16)}`;
  }

  async claim(key: string, input: string): Promise<Claim> {
    return claimOf(await this.#rows.claim(key, input, this.#owner));
  }

  async claimIn(tx: Transaction, key: string, input: string): Promise<Claim> {
    return claimOf(await this.#rows.claimIn(tx, key, input));
  }

  keep(key: string, ending: Ending): Promise<void> {
    return this.#keep(key, ending);
  }

  keepIn(tx: Transaction, key: string, ending: Ending): Promise<void> {
    return this.#keep(key, ending, tx);
  }

  #keep(key: string, given: Ending, tx?: Transaction): Promise<void> {
    const { ending, bytes } = writtenEnding(given, this.#terms.answerBytesMax);
    return this.#rows.keep(key, ending, bytes, tx);
  }

  forget(key: string): Promise<void> {
    return this.#rows.forget(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const alarm of [this.#renewal, this.#purge])
      if (alarm !== undefined) this.#env.clear(alarm);
    // Whatever it could not finish need not be waited for.
    await atMost(
      this.#env,
      farewellMs,
      this.#tried(() => this.#rows.alive(this.#owner, 0)),
    );
  }

  #renewLater(): void {
    this.#renewal = alarmAt(this.#env, this.#env.now() + this.#terms.leaseMs / 3, () => {
      void this.#tried(() => this.#rows.alive(this.#owner, this.#terms.leaseMs)).then(() => {
        if (!this.#closed) this.#renewLater();
      });
    });
  }

  #purgeLater(afterMs: number): void {
    this.#purge = alarmAt(this.#env, this.#env.now() + afterMs, () => {
      let full = false;
      void this.#tried(async () => {
        full = (await this.#rows.purge(this.#terms.ttlMs, purgeBatch)) === purgeBatch;
      }).then(() => {
        if (!this.#closed) this.#purgeLater(full ? purgeAgainMs : this.#pauseMs());
      });
    });
  }

  /** Replicas that were started together do not come together. */
  #pauseMs(): number {
    const pauseMs = Math.min(this.#terms.ttlMs / purgesPerTtl, purgeMsMax);
    return pauseMs * (0.5 + this.#env.random());
  }

  /** Never rejects. */
  async #tried(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#troubled = false;
    } catch (error) {
      if (this.#troubled || this.#closed) return;
      this.#troubled = true;
      const operation = `keys in ${this.store.address}`;
      reportIncident({ id: uuidv7(this.#env), operation, error });
    }
  }
}

function claimOf(known: KnownKey | "busy" | undefined): Claim {
  if (known === undefined) return { state: "new" };
  if (known === "busy") return { state: "busy" };
  const { input, ending, bytes, orphaned } = known;
  if (ending !== undefined) return { state: "ended", input, ending: readEnding({ ending, bytes }) };
  // Nobody can say how far it came, and nobody begins it again.
  return orphaned
    ? { state: "ended", input, ending: { kind: "unknown" } }
    : { state: "running", input };
}
