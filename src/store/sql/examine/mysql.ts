import type { Finding } from "../../finding.ts";
import { examined, lasting, type Look, type Query } from "./examine.ts";

/** Row versions that purge has not come to, above which reads get slower. */
const historyLong = 100_000;
const longSeconds = 60;

const looks: Readonly<Record<string, Look>> = {
  durability,
  history,
  "long-transaction": longTransaction,
};

/** What keeps purge from the outbox, and what the settings of the server do to it. */
export function examineMysql(query: Query): Promise<Finding[]> {
  return examined(looks, query);
}

async function durability(query: Query): Promise<Finding> {
  const [row] = await query("SELECT @@global.innodb_flush_log_at_trx_commit AS flushing", []);
  const flushing = Number(row!["flushing"]);
  if (flushing === 1)
    return { about: "durability", state: "fine", seen: "what is committed is on the disk" };
  return {
    about: "durability",
    state: "warning",
    seen: `innodb_flush_log_at_trx_commit is ${flushing}`,
    advice:
      "a crash takes back the last commits, of which messages may have been published: set it to 1",
  };
}

async function history(query: Query): Promise<Finding> {
  const [row] = await query(
    "SELECT `count` AS length FROM information_schema.INNODB_METRICS WHERE name = 'trx_rseg_history_len'",
    [],
  );
  const length = Number(row?.["length"] ?? 0);
  const seen = `the history list is ${length} long`;
  if (length < historyLong) return { about: "history", state: "fine", seen };
  return {
    about: "history",
    state: "warning",
    seen,
    advice:
      "purge does not get on, and each look at the outbox passes what was deleted: end the oldest transaction",
  };
}

async function longTransaction(query: Query): Promise<Finding> {
  const [row] = await query(
    `SELECT trx_mysql_thread_id AS thread, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS seconds
      FROM information_schema.INNODB_TRX ORDER BY trx_started LIMIT 1`,
    [],
  );
  const seconds = Number(row?.["seconds"] ?? 0);
  if (seconds < longSeconds)
    return {
      about: "long-transaction",
      state: "fine",
      seen: `no transaction is open for longer than ${longSeconds} s`,
    };
  return {
    about: "long-transaction",
    state: "warning",
    seen: `thread ${String(row!["thread"])} has a transaction open for ${lasting(seconds)}`,
    advice:
      "nothing that was deleted since is purged, and lanes that it wrote to are locked: KILL it if nobody needs it",
  };
}
