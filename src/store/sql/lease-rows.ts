import { leaseShares, type Kept, type Lease } from "../outbox-rows.ts";
import type { SqlAccess } from "./access.ts";
import { numberOf } from "./columns.ts";
import type { SqlDialect } from "./dialect.ts";
import { raw, sql, type Sql } from "./statement.ts";

/** Rows in lanes whose leases are still under these tokens (OB-4). */
export function underLeases(dialect: SqlDialect, leases: readonly Lease[]): Sql {
  return sql`lane % ${shares} IN (${heldShares(dialect, leases)})`;
}

/** The shares of these leases that are still under their tokens: a lease is one number, its token and its share. */
export function heldShares(dialect: SqlDialect, leases: readonly Lease[]): Sql {
  const numbers = leases.map(({ share, token }) => token * leaseShares + share);
  return sql`SELECT share FROM trunkline_outbox_lease WHERE ${dialect.among(`token * ${leaseShares} + share`, numbers)}`;
}

const shares = raw(String(leaseShares));

/** Who relays which shares. There is a row for each share from the beginning. */
export class LeaseRows {
  readonly #access: SqlAccess;

  constructor(access: SqlAccess) {
    this.#access = access;
  }

  keep(relay: string, leaseMs: number, giveBack: readonly number[]): Promise<Kept> {
    const { dialect } = this.#access;
    return this.#access.own(async (native) => {
      const run = (statement: Sql) => this.#access.runNative(native, statement);
      // Those who keep do so one after the other.
      await run(sql`SELECT share FROM trunkline_outbox_lease WHERE share = 0 ${dialect.forUpdate}`);
      await run(sql`DELETE FROM trunkline_outbox_relay WHERE expires_at <= ${dialect.now}`);
      await run(
        sql`INSERT INTO trunkline_outbox_relay (relay, expires_at) VALUES (${relay}, ${dialect.now} + ${Math.ceil(leaseMs)})
          ${dialect.onConflict("relay")} expires_at = ${dialect.now} + ${Math.ceil(leaseMs)}`,
      );
      if (giveBack.length > 0)
        await run(
          sql`UPDATE trunkline_outbox_lease SET relay = NULL WHERE relay = ${relay} AND ${dialect.among("share", giveBack)}`,
        );
      const { rows } = await run(
        sql`SELECT l.share, l.token, r.relay, (SELECT COUNT(*) FROM trunkline_outbox_relay) AS relays
          FROM trunkline_outbox_lease l LEFT JOIN trunkline_outbox_relay r ON r.relay = l.relay ORDER BY l.share`,
      );
      const relays = numberOf(rows[0]!["relays"]);
      const mine: Lease[] = [];
      const free: Lease[] = [];
      for (const row of rows) {
        const lease = { share: numberOf(row["share"]), token: numberOf(row["token"]) };
        // What was given back just now is for the others.
        if (row["relay"] === relay) mine.push(lease);
        else if (row["relay"] === null && !giveBack.includes(lease.share)) free.push(lease);
      }
      const fair = Math.ceil(leaseShares / relays);
      const taken = free.slice(0, Math.max(0, fair - mine.length));
      if (taken.length > 0)
        await run(
          sql`UPDATE trunkline_outbox_lease SET relay = ${relay}, token = token + 1 WHERE ${dialect.among(
            "share",
            taken.map(({ share }) => share),
          )}`,
        );
      const leases = [...mine, ...taken.map(({ share, token }) => ({ share, token: token + 1 }))];
      return { relays, leases: leases.toSorted((a, b) => a.share - b.share) };
    });
  }

  leave(relay: string): Promise<void> {
    return this.#access.own(async (native) => {
      await this.#access.runNative(
        native,
        sql`UPDATE trunkline_outbox_lease SET relay = NULL WHERE relay = ${relay}`,
      );
      await this.#access.runNative(
        native,
        sql`DELETE FROM trunkline_outbox_relay WHERE relay = ${relay}`,
      );
    });
  }

  async status(): Promise<{ relays: number; unleased: number }> {
    const { now } = this.#access.dialect;
    const [row] = await this.#access.rows(
      sql`SELECT (SELECT COUNT(*) FROM trunkline_outbox_relay WHERE expires_at > ${now}) AS relays,
        (SELECT COUNT(*) FROM trunkline_outbox_lease l JOIN trunkline_outbox_relay r ON r.relay = l.relay WHERE r.expires_at > ${now}) AS leased`,
    );
    return {
      relays: numberOf(row!["relays"]),
      unleased: leaseShares - numberOf(row!["leased"]),
    };
  }
}
