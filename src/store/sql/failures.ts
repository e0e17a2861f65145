import type { Dialect } from "../store.ts";
import type { SqlFailure } from "./driver.ts";

/** How deep wrapped errors are looked into. */
const causesMax = 8;

/**
 * What an error of a client means, whoever has wrapped it: builders hide the error of the database in `cause`, Prisma in
 * `meta.driverAdapterError`.
 */
export function failureIn(dialect: Dialect, error: unknown): SqlFailure {
  for (const each of causesOf(error)) {
    const failure = connectionFailure(each) ?? failureBy[dialect](each);
    if (failure !== undefined) return failure;
  }
  return "other";
}

/** What the innermost error says in words: the messages of builders around it are long, and some have the values in them. */
export function reasonOf(error: unknown): string {
  const said = causesOf(error).map(
    ({ originalMessage, message, code }) => originalMessage ?? (message === "" ? code : message),
  );
  return String(said.findLast((each) => each !== undefined) ?? error);
}

/** Whether the database could not even be reached. */
export function isDialling(error: unknown): boolean {
  return causesOf(error).some(({ syscall }) => syscall === "connect" || syscall === "getaddrinfo");
}

/** The fields by which clients say what has happened. */
interface Told {
  readonly code?: unknown;
  /** Of MySQL and MariaDB. */
  readonly errno?: unknown;
  /** Of SQLite, by `node:sqlite`. */
  readonly errcode?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  /** Of Prisma, which gives it a `code` of its own. */
  readonly originalCode?: unknown;
  readonly originalMessage?: unknown;
  /** Of the machine. */
  readonly syscall?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown };
}

function causesOf(error: unknown): Told[] {
  const found: Told[] = [];
  let next = error;
  while (typeof next === "object" && next !== null && found.length < causesMax) {
    const told = next as Told;
    found.push(told);
    next = told.cause ?? told.meta?.driverAdapterError;
  }
  return found;
}

const lostCodes = new Set([
  // The machine's.
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  // postgres.js
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  // mysql2
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR",
  "POOL_CLOSED",
]);

/** Clients say most of this without a code. */
const lostWords =
  /connection (is )?(terminated|closed|ended)|connection error|was closed|in closed state|pool is (closed|ended|draining)|timeout exceeded when trying to connect|after calling end on the pool|queue limit reached|no connections available|timeout acquiring a connection|aborted: pool|is not open/i;

function connectionFailure({ code, message }: Told): SqlFailure | undefined {
  if (typeof code === "string" && lostCodes.has(code)) return "lost";
  return code === undefined && lostWords.test(String(message)) ? "lost" : undefined;
}

const failureBy: Readonly<Record<Dialect, (told: Told) => SqlFailure | undefined>> = {
  postgres({ code, originalCode = code }) {
    const state = String(originalCode);
    return byState[state] ?? (/^08...$/.test(state) ? "lost" : undefined);
  },
  mysql: ({ errno, originalCode }) => byErrno[Number(errno ?? originalCode)],
  sqlite({ code, originalCode = code, errcode, message }) {
    if (/no such table/.test(String(message))) return "missing";
    const name = /^SQLITE_([A-Z]+)/.exec(String(originalCode))?.[1];
    // The low byte is the kind; the rest says more of it.
    return name === undefined ? byNumber[Number(errcode) & 0xff] : byName[name];
  },
};

/** SQLSTATE of PostgreSQL, appendix A of its manual. */
const byState: Readonly<Record<string, SqlFailure>> = {
  "40001": "conflict", // serialization failure
  "40P01": "conflict", // deadlock
  "55P03": "conflict", // lock not available
  "57014": "conflict", // cancelled: statement_timeout
  "57P01": "lost", // shutdown by the administrator
  "57P02": "lost", // crash of another process
  "57P03": "lost", // starting up
  "57P05": "lost", // idle_session_timeout
  "25P03": "lost", // idle_in_transaction_session_timeout
  "25P04": "lost", // transaction_timeout
  "53300": "lost", // too many connections
  "42501": "denied",
  "28000": "denied",
  "28P01": "denied",
  "42P01": "missing",
  "3F000": "missing", // no such schema
};

/** Error numbers of MySQL and MariaDB, which share them. */
const byErrno: Readonly<Record<number, SqlFailure>> = {
  1213: "conflict", // deadlock, or not certified by a cluster
  1205: "conflict", // waited for a lock for too long
  1020: "conflict", // changed since it was read
  1412: "conflict", // the table was altered since the transaction began
  3101: "conflict", // rolled back by replication
  3572: "conflict", // NOWAIT
  1040: "lost", // too many connections
  1053: "lost", // shutting down
  1158: "lost", // reading from the network
  1159: "lost",
  1160: "lost", // writing to it
  1161: "lost",
  1203: "lost", // too many connections of this user
  1290: "lost", // read only: a primary that is none any more
  1317: "lost", // interrupted
  1836: "lost", // read only
  1927: "lost", // killed
  4031: "lost", // idle for too long
  1044: "denied",
  1045: "denied",
  1142: "denied",
  1143: "denied",
  1227: "denied",
  1370: "denied",
  1698: "denied",
  1820: "denied", // the password has expired
  1862: "denied",
  3118: "denied", // the account is locked
  1054: "missing", // a column: of a later step of the tables
  1146: "missing",
};

/** Result codes of SQLite, by better-sqlite3. */
const byName: Readonly<Record<string, SqlFailure>> = {
  BUSY: "conflict",
  LOCKED: "conflict",
  CANTOPEN: "lost",
  IOERR: "lost",
  READONLY: "denied",
  AUTH: "denied",
  PERM: "denied",
};

/** The same by number. */
const byNumber: Readonly<Record<number, SqlFailure>> = {
  3: "denied",
  5: "conflict",
  6: "conflict",
  8: "denied",
  10: "lost",
  14: "lost",
  23: "denied",
};
