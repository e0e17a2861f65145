import type { DatabaseSync } from "node:sqlite";
import { systemError } from "../../../base/error.ts";

/** Bits of a message's id that are its place in the lane; the others are the lane, up to `laneMax`. */
const seqBits = 43;
export const seqMask: number = 2 ** seqBits - 1;

/** "Trun" in ASCII: tells a storage of ours from any other SQLite file. */
const applicationId = 0x54_72_75_6e;

/**
 * What makes the newest form of the tables out of each older one: the first makes form 1 out of nothing. None is ever changed
 * once it was published; a new form is a new entry.
 *
 * A message's id is `(lane << 43) | seq`, so that a lane's messages lie side by side and come in at its end.
 */
const migrations: readonly string[] = [
  `CREATE TABLE message(
     id INTEGER PRIMARY KEY,
     flags INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     enqueued_at INTEGER NOT NULL,
     due_at INTEGER,
     size INTEGER NOT NULL,
     head BLOB NOT NULL,
     body BLOB NOT NULL);
   CREATE INDEX message_due ON message(due_at, id) WHERE due_at IS NOT NULL;
   CREATE INDEX message_transient ON message(id) WHERE flags & 4;
   CREATE TABLE chunk(id INTEGER, part INTEGER, data BLOB NOT NULL, PRIMARY KEY(id, part)) WITHOUT ROWID;
   CREATE TABLE lane(
     lane INTEGER PRIMARY KEY,
     next INTEGER NOT NULL,
     count INTEGER NOT NULL,
     held INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     delivered INTEGER NOT NULL,
     compact INTEGER NOT NULL,
     transient INTEGER NOT NULL);
   CREATE TABLE doomed(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
   CREATE TABLE latest(lane INTEGER, key TEXT, seq INTEGER NOT NULL, PRIMARY KEY(lane, key)) WITHOUT ROWID;
   CREATE INDEX latest_seq ON latest(lane, seq);
   CREATE TABLE definition(kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;
   CREATE TABLE remembered(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, marks BLOB NOT NULL);
   CREATE INDEX remembered_at ON remembered(at);`,
];

/** The form that this version writes. */
const formNow: number = migrations.length;

/** Looks whether a file is empty, or one of ours. @throws TrunklineError for a file of a newer version, or a foreign one. */
export function checkForm(db: DatabaseSync, path: string): void {
  const form = pragma(db, "user_version");
  const empty = form === 0 && db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!empty && pragma(db, "application_id") !== applicationId)
    throw systemError("INVALID_ARGUMENT", `${path} is not the storage of a broker.`, {
      executed: "no",
      advice: "Name another folder.",
    });
  if (form > formNow)
    throw systemError(
      "UNIMPLEMENTED",
      `${path} was written by a newer version: its form is ${form}, and ${formNow} is the newest known here.`,
      { executed: "no", advice: "Use that version, or export there and import here." },
    );
}

/** Brings the tables to the newest form, in one transaction. */
export function migrate(db: DatabaseSync): void {
  const form = pragma(db, "user_version");
  if (form === formNow) return;
  db.exec("BEGIN IMMEDIATE");
  for (const step of migrations.slice(form)) db.exec(step);
  db.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${formNow}; COMMIT`);
}

/** Reads a pragma that is a number. */
export function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return Number(Object.values(row ?? {})[0] ?? 0);
}
