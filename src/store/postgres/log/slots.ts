import { systemError } from "../../../base/error.ts";
import type { SqlRow, SqlValue } from "../../sql/driver.ts";

/** Names of what log tailing needs in the database. */
export interface TailingNames {
  /** The replication slot. Default `trunkline_outbox_DATABASE`: slots are named in the whole server. */
  readonly slot?: string;
  /** The publication. Default `trunkline_outbox`. */
  readonly publication?: string;
}

export type Query = (sql: string, values: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/** What is to be known of a slot before it is read, and when somebody asks what is wrong. */
export interface SlotLook {
  readonly slot: string;
  readonly publication: string;
  readonly walLevel: string;
  readonly published: boolean;
  /** Undefined: there is none. */
  readonly found: SlotFound | undefined;
  /** `max_slot_wal_keep_size` as the server writes it; `-1`: without end. */
  readonly keepSize: string;
  /** This server repeats another one. */
  readonly standby: boolean;
}

export interface SlotFound {
  readonly ours: boolean;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string;
  /** How much of the log is kept for it, in bytes. */
  readonly keptBytes: number;
}

export const table = "trunkline_outbox";
const defaultPublication = "trunkline_outbox";
/** Rows go to partitions by turns: they are told of as rows of the outbox. */
const byRoot = "publish_via_partition_root = true";
const identifier = /^[a-z_][a-z0-9_]{0,62}$/;

const lookSql = `
  WITH named AS (
    SELECT coalesce($1, left('trunkline_outbox_' || regexp_replace(lower(current_database()), '[^a-z0-9_]', '_', 'g'), 63)) AS slot
  )
  SELECT named.slot AS slot,
    current_setting('wal_level') AS wal_level,
    current_setting('max_slot_wal_keep_size') AS keep_size,
    pg_is_in_recovery() AS standby,
    EXISTS (SELECT FROM pg_publication_tables WHERE pubname = $2 AND tablename = '${table}') AS published,
    s.slot_name IS NOT NULL AS found,
    s.plugin = 'pgoutput' AND s.database = current_database() AS ours,
    s.active AS active,
    s.wal_status AS wal_status,
    CASE WHEN s.restart_lsn IS NULL OR pg_is_in_recovery() THEN 0
      ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) END::float8 AS kept_bytes
  FROM named LEFT JOIN pg_replication_slots s ON s.slot_name = named.slot`;

/** Looks at a slot and its publication, makes them and takes them away. */
export class Slots {
  readonly #query: Query;
  readonly #names: TailingNames;

  constructor(query: Query, names: TailingNames) {
    for (const name of [names.slot, names.publication])
      if (name !== undefined && !identifier.test(name))
        throw systemError(
          "INVALID_ARGUMENT",
          `${JSON.stringify(name)} names no slot and no publication`,
          {
            executed: "no",
            advice: "small letters, digits and _, at most 63",
          },
        );
    this.#query = query;
    this.#names = names;
  }

  async look(): Promise<SlotLook> {
    const { slot, publication = defaultPublication } = this.#names;
    const [row] = await this.#query(lookSql, [slot ?? null, publication]);
    const each = row as Readonly<Record<string, string | number | boolean>>;
    return {
      slot: String(each["slot"]),
      publication,
      walLevel: String(each["wal_level"]),
      published: each["published"] === true,
      found:
        each["found"] === true
          ? {
              ours: each["ours"] === true,
              active: each["active"] === true,
              walStatus: String(each["wal_status"]),
              keptBytes: Number(each["kept_bytes"]),
            }
          : undefined,
      keepSize: String(each["keep_size"]),
      standby: each["standby"] === true,
    };
  }

  /** The publication first: a slot cannot read changes of before its publication was there. */
  async enable(): Promise<readonly string[]> {
    const done: string[] = [];
    const look = await this.look();
    const { slot, publication, found, published } = look;
    if (look.walLevel !== "logical")
      throw systemError("UNIMPLEMENTED", troubleOf(look), { executed: "no" });
    const useless = found !== undefined && (!published || found.walStatus === "lost");
    if (useless) {
      await this.#query("SELECT pg_drop_replication_slot($1)", [slot]);
      done.push(`dropped the slot ${slot}, which was of no use any more`);
    }
    if (!published) {
      await this.#publish(publication);
      done.push(`made the publication ${publication}: inserts into ${table}`);
    }
    if (found === undefined || useless) {
      await this.#query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
      done.push(`made the slot ${slot}`);
    }
    return done;
  }

  async disable(): Promise<readonly string[]> {
    const done: string[] = [];
    const { slot, publication, found } = await this.look();
    if (found !== undefined) {
      // Whoever reads it is sent away first, and finds it gone.
      await this.#query(
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1 AND active",
        [slot],
      );
      await this.#query("SELECT pg_drop_replication_slot($1)", [slot]);
      done.push(`dropped the slot ${slot}`);
    }
    const [there] = await this.#query("SELECT FROM pg_publication WHERE pubname = $1", [
      publication,
    ]);
    if (there !== undefined) {
      await this.#query(`DROP PUBLICATION "${publication}"`, []);
      done.push(`dropped the publication ${publication}`);
    }
    return done;
  }

  async #publish(publication: string): Promise<void> {
    const [there] = await this.#query("SELECT FROM pg_publication WHERE pubname = $1", [
      publication,
    ]);
    if (there !== undefined) {
      await this.#query(`ALTER PUBLICATION "${publication}" SET (${byRoot})`, []);
      const { published } = await this.look();
      if (!published)
        await this.#query(`ALTER PUBLICATION "${publication}" ADD TABLE ${table}`, []);
      return;
    }
    const [version] = await this.#query("SELECT current_setting('server_version_num') AS num", []);
    // From 15 on two columns will do, and the messages themselves stay out of the stream.
    const columns = Number(version!["num"]) >= 150_000 ? " (seq, lane)" : "";
    await this.#query(
      `CREATE PUBLICATION "${publication}" FOR TABLE ${table}${columns} WITH (publish = 'insert', ${byRoot})`,
      [],
    );
  }
}

/** Why a slot cannot be read, and what to do about it; empty: it can. */
export function troubleOf(look: SlotLook): string {
  const { slot, publication, found } = look;
  const on = "run trunkline outbox tailing ADDRESS on";
  if (look.walLevel !== "logical")
    return `wal_level is ${look.walLevel}: set wal_level = logical and restart the server`;
  if (look.standby) return "this server is a standby: it is read at the primary";
  if (found === undefined) return `there is no slot ${slot}: ${on}`;
  if (!found.ours) return `the slot ${slot} is not one of pgoutput in this database`;
  if (found.walStatus === "lost")
    return `the slot ${slot} is lost: the server kept no more of its log than max_slot_wal_keep_size (${look.keepSize}); ${on}`;
  if (!look.published) return `no publication ${publication} has ${table}: ${on}`;
  return "";
}

/** What is not wrong yet. */
export function warningsOf({ keepSize, found, slot }: SlotLook): readonly string[] {
  const warnings: string[] = [];
  if (keepSize === "-1")
    warnings.push(
      "max_slot_wal_keep_size is not set: while nobody reads the slot, the server keeps its log until the disk is full",
    );
  if (found?.walStatus === "unreserved")
    warnings.push(`the slot ${slot} is about to be lost: more is kept than max_slot_wal_keep_size`);
  return warnings;
}
