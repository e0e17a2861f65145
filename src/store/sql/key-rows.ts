import { isTrunklineError, systemError } from "../../base/error.ts";
import type { KeyRows, KnownKey } from "../key-rows.ts";
import type { Transaction } from "../transaction.ts";
import type { SqlAccess } from "./access.ts";
import { bytesOrUndefined, textOrUndefined } from "./columns.ts";
import type { SqlRow } from "./driver.ts";
import { sql, type Sql } from "./statement.ts";

/** A key that is there may be forgotten before it is read: then it is claimed again, so often at most. */
const claimTriesMax = 5;

export class SqlKeyRows implements KeyRows {
  readonly #access: SqlAccess;

  constructor(access: SqlAccess) {
    this.#access = access;
  }

  async alive(owner: string, leaseMs: number): Promise<void> {
    const { now, onConflict } = this.#access.dialect;
    await this.#access.query(
      sql`INSERT INTO trunkline_key_owner (owner, expires_at) VALUES (${owner}, ${now} + ${Math.ceil(leaseMs)})
        ${onConflict("owner")} expires_at = ${now} + ${Math.ceil(leaseMs)}`,
    );
  }

  async claim(key: string, input: string, owner: string): Promise<KnownKey | undefined> {
    const { dialect } = this.#access;
    const row = sql`trunkline_key (id, input, owner, changed_at) VALUES (${key}, ${input}, ${owner}, ${dialect.now})`;
    for (let tries = 0; tries < claimTriesMax; tries++) {
      const { changes } = await this.#access.query(dialect.insertNew(row));
      if (changes > 0) return undefined;
      const { rows } = await this.#access.query(this.#known(key));
      if (rows[0] !== undefined) return knownOf(rows[0]);
    }
    throw systemError("UNAVAILABLE", "this idempotency key is claimed and forgotten all the time", {
      executed: "no",
    });
  }

  async claimIn(
    tx: Transaction,
    key: string,
    input: string,
  ): Promise<KnownKey | "busy" | undefined> {
    const { dialect } = this.#access;
    const free = dialect.freeKey?.(key);
    if (free !== undefined) {
      try {
        await this.#access.run(tx, free);
      } catch (error) {
        if (isTrunklineError(error) && error.gate === "conflict") return "busy";
        throw error;
      }
    }
    const { changes } = await this.#access.run(tx, dialect.insertKey(key, input));
    if (changes > 0) return undefined;
    const { rows } = await this.#access.run(tx, this.#known(key));
    return rows[0] === undefined ? "busy" : knownOf(rows[0]);
  }

  #known(key: string): Sql {
    const { now } = this.#access.dialect;
    return sql`SELECT k.input, k.ending, k.bytes, o.owner AS living FROM trunkline_key k
      LEFT JOIN trunkline_key_owner o ON o.owner = k.owner AND o.expires_at > ${now} WHERE k.id = ${key}`;
  }

  async keep(
    key: string,
    ending: string,
    bytes: Uint8Array | undefined,
    tx?: Transaction,
  ): Promise<void> {
    const statement = sql`UPDATE trunkline_key SET ending = ${ending}, bytes = ${bytes ?? null}, changed_at = ${this.#access.dialect.now} WHERE id = ${key}`;
    if (tx === undefined) await this.#access.query(statement);
    else await this.#access.run(tx, statement);
  }

  async forget(key: string): Promise<void> {
    await this.#access.query(sql`DELETE FROM trunkline_key WHERE id = ${key} AND ending IS NULL`);
  }

  async purge(olderThanMs: number, limit: number): Promise<number> {
    const { dialect } = this.#access;
    const { now } = dialect;
    const living = sql`SELECT o.owner FROM trunkline_key_owner o WHERE o.expires_at > ${now}`;
    const { changes } = await this.#access.query(
      dialect.deleteSome(
        "trunkline_key",
        ["id"],
        sql`changed_at < ${now} - ${Math.floor(olderThanMs)} AND (ending IS NOT NULL OR owner IS NULL OR owner NOT IN (${living}))`,
        limit,
      ),
    );
    await this.#access.query(
      dialect.deleteSome(
        "trunkline_key_owner",
        ["owner"],
        sql`expires_at < ${now} - ${Math.floor(olderThanMs)}`,
        limit,
      ),
    );
    return changes;
  }
}

function knownOf(row: SqlRow): KnownKey {
  const ending = textOrUndefined(row["ending"]);
  return {
    input: row["input"] as string,
    ending,
    bytes: bytesOrUndefined(row["bytes"]),
    orphaned: ending === undefined && row["living"] === null,
  };
}
