import type { Finding } from "../../finding.ts";
import { numbersBehind } from "../dialects/postgres-numbers.ts";
import { examined, lasting, size, type Look, type Query } from "./examine.ts";

/** A transaction that is open for so long keeps vacuum from its work long enough to be felt, in seconds. */
const longSeconds = 60;
/** Dead rows below this are what autovacuum has not come to yet. */
const deadRowsMany = 20_000;
/** A hot table of pending rows only is small. */
const tableBytesLarge = 256 * 1024 * 1024;
const keptBytesLarge = 1024 * 1024 * 1024;

/** The outbox is kept in partitions; where it is not, in itself. */
const slotsOf = `SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('trunkline_outbox')
  UNION ALL SELECT oid FROM pg_class WHERE oid = to_regclass('trunkline_outbox') AND relkind = 'r'`;

const looks: Readonly<Record<string, Look>> = {
  numbers,
  durability,
  "old-snapshot": oldSnapshot,
  prepared,
  slots,
  "dead-rows": deadRows,
  autovacuum,
};

/** What keeps vacuum from the outbox (OB-8), and what the settings of the server do to it. */
export function examinePostgres(query: Query): Promise<Finding[]> {
  return examined(looks, query);
}

async function numbers(query: Query): Promise<Finding> {
  const [row] = await query(numbersBehind, []);
  if (row?.["behind"] !== true)
    return {
      about: "numbers",
      state: "fine",
      seen: "new messages are numbered above all that are there",
    };
  return {
    about: "numbers",
    state: "wrong",
    seen: "new messages are numbered below some that are there",
    advice:
      "the rows came by replication, which leaves sequences behind; what is published fails or overtakes: run trunkline store migrate ADDRESS",
  };
}

async function durability(query: Query): Promise<Finding> {
  const [row] = await query(
    "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, current_setting('full_page_writes') AS pages",
    [],
  );
  const off = (["fsync", "pages"] as const).filter((name) => row![name] === "off");
  if (off.length > 0)
    return {
      about: "durability",
      state: "wrong",
      seen: `${off.join(", ").replace("pages", "full_page_writes")} is off`,
      advice: "a crash of the machine may break the whole database: set it on",
    };
  if (row!["commit"] === "off")
    return {
      about: "durability",
      state: "warning",
      seen: "synchronous_commit is off",
      advice:
        "a crash takes back the last commits, of which messages may have been published: leave it on where messages are written",
    };
  return { about: "durability", state: "fine", seen: "what is committed is on the disk" };
}

async function oldSnapshot(query: Query): Promise<Finding> {
  const [row] = await query(
    `SELECT pid, coalesce(nullif(application_name, ''), backend_type) AS whose, state,
        extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds,
        pg_has_role(current_user, 'pg_read_all_stats', 'usage') AS all_seen
      FROM (SELECT 1) AS one LEFT JOIN pg_stat_activity
        ON (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
          AND backend_type <> 'walsender'
      ORDER BY xact_start NULLS LAST LIMIT 1`,
    [],
  );
  const seconds = Number(row!["seconds"] ?? 0);
  const blind =
    row!["all_seen"] === true ? "" : " (of this user; GRANT pg_read_all_stats shows all)";
  if (seconds < longSeconds)
    return {
      about: "old-snapshot",
      state: "fine",
      seen: `no transaction is open for longer than ${longSeconds} s${blind}`,
    };
  return {
    about: "old-snapshot",
    state: "warning",
    seen: `process ${String(row!["pid"])} (${String(row!["whose"])}, ${String(row!["state"])}) has a transaction open for ${lasting(seconds)}${blind}`,
    advice:
      "vacuum takes nothing out of any table that died since: end it, SELECT pg_terminate_backend(PID), and set idle_in_transaction_session_timeout",
  };
}

async function prepared(query: Query): Promise<Finding> {
  const [row] = await query(
    "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds FROM pg_prepared_xacts ORDER BY prepared LIMIT 1",
    [],
  );
  if (row === undefined)
    return { about: "prepared", state: "fine", seen: "no transaction is prepared and forgotten" };
  const seconds = Number(row["seconds"]);
  return {
    about: "prepared",
    state: seconds < longSeconds ? "fine" : "wrong",
    seen: `the transaction ${JSON.stringify(row["gid"])} is prepared since ${lasting(seconds)}`,
    advice:
      "it keeps its locks and keeps vacuum away, over restarts too: COMMIT PREPARED or ROLLBACK PREPARED it",
  };
}

/** Of all but our own, of which the log itself tells. */
async function slots(query: Query): Promise<Finding[]> {
  const rows = await query(
    `SELECT slot_name, wal_status,
        CASE WHEN restart_lsn IS NULL OR pg_is_in_recovery() THEN 0
          ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END::float8 AS kept
      FROM pg_replication_slots WHERE NOT active AND NOT temporary AND slot_name NOT LIKE 'trunkline\\_outbox%'`,
    [],
  );
  return rows.map(({ slot_name: name, wal_status: status, kept }): Finding => {
    const slot = String(name);
    const lost = status === "lost";
    return {
      about: "slots",
      state: Number(kept) > keptBytesLarge ? "wrong" : "warning",
      seen: lost
        ? `the replication slot ${slot} is lost`
        : `nobody reads the replication slot ${slot}; the server keeps ${size(Number(kept))} of its log for it`,
      advice: lost
        ? "whoever has read it has to begin anew: SELECT pg_drop_replication_slot(NAME)"
        : "it fills the disk and keeps vacuum away: start who reads it, or SELECT pg_drop_replication_slot(NAME)",
    };
  });
}

async function deadRows(query: Query): Promise<Finding | undefined> {
  const [row] = await query(
    `SELECT sum(n_dead_tup)::float8 AS dead, sum(n_live_tup)::float8 AS live, sum(pg_total_relation_size(relid))::float8 AS bytes,
        min(extract(epoch FROM clock_timestamp() - greatest(last_autovacuum, last_vacuum)))::float8 AS since
      FROM pg_stat_user_tables WHERE relid IN (${slotsOf})`,
    [],
  );
  if (row === undefined || row["dead"] === null) return undefined;
  const [dead, live, bytes] = [Number(row["dead"]), Number(row["live"]), Number(row["bytes"])];
  const since = row["since"] === null ? "never" : `${lasting(Number(row["since"]))} ago`;
  const seen = `about ${live} rows and ${dead} dead ones in ${size(bytes)}, vacuumed ${since}`;
  if (dead > deadRowsMany && dead > 2 * live)
    return {
      about: "dead-rows",
      state: "warning",
      seen,
      advice:
        "every look at the outbox passes them: what keeps vacuum away is named above; VACUUM trunkline_outbox when that is gone",
    };
  if (bytes > tableBytesLarge && live < 1_000)
    return {
      about: "dead-rows",
      state: "warning",
      seen,
      advice:
        "it is large and nearly empty, after a backlog or a long transaction: VACUUM FULL trunkline_outbox in a quiet minute",
    };
  return { about: "dead-rows", state: "fine", seen };
}

async function autovacuum(query: Query): Promise<Finding | undefined> {
  const [row] = await query(
    `SELECT current_setting('autovacuum') AS running, current_setting('track_counts') AS counting,
        array_to_string(reloptions, ', ') AS options
      FROM pg_class WHERE oid IN (${slotsOf}) ORDER BY reloptions IS NULL DESC, oid LIMIT 1`,
    [],
  );
  if (row === undefined) return undefined;
  const options = typeof row["options"] === "string" ? row["options"] : "";
  const off =
    row["running"] === "off" ||
    row["counting"] === "off" ||
    /autovacuum_enabled=(off|false|0)/.test(options);
  if (off)
    return {
      about: "autovacuum",
      state: "wrong",
      seen: "autovacuum does not come to the outbox",
      advice: "each look gets slower with every message: set autovacuum and track_counts on",
    };
  if (!options.includes("autovacuum"))
    return {
      about: "autovacuum",
      state: "warning",
      seen: "the outbox has the autovacuum settings of the server, made for tables that grow slowly",
      advice:
        "the migrations set its own; a restore without them has lost them: trunkline store migrate --sql shows which",
    };
  const [, threshold = "few"] = /autovacuum_vacuum_threshold=(\d+)/.exec(options) ?? [];
  return {
    about: "autovacuum",
    state: "fine",
    seen: `autovacuum comes after ${threshold} dead rows`,
  };
}
