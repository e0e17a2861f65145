import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemError } from "../../base/error.ts";

const fileName = "owner.lock";

/** Of SQLite: somebody else has the lock. https://sqlite.org/rescode.html#busy */
const busy = 5;
/** The code without what is said more precisely. */
const primary = 0xff;

/** That this process owns a folder. The kernel takes it back when the process dies, at once and however that happens. */
export interface OwnerLock {
  release(): void;
}

/**
 * Takes the lock of a folder: an exclusive transaction on a file of SQLite that nothing is ever written to, which is a lock of
 * the kernel's in all systems. Unlike a lease it never runs out under a process that stood still: there are never two owners.
 * Undefined: somebody else has it.
 *
 * @throws TrunklineError PERMISSION_DENIED or UNAVAILABLE when the file cannot be used.
 */
export function tryLock(folder: string): OwnerLock | undefined {
  const path = join(folder, fileName);
  let database: DatabaseSync | undefined;
  try {
    makeFile(path);
    database = new DatabaseSync(path, { timeout: 0 });
    const held = database;
    held.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return { release: () => held.close() };
  } catch (cause) {
    database?.close();
    if ((((cause as { errcode?: number }).errcode ?? 0) & primary) === busy) return undefined;
    throw unusable(path, cause);
  }
}

/**
 * Makes the file, for this user alone: SQLite would let others read it. One that is there is not opened: in POSIX, whoever closes a
 * file gives up all locks that its process has on it, those of SQLite too.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function unusable(path: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
  return systemError(
    denied ? "PERMISSION_DENIED" : "UNAVAILABLE",
    `${path} cannot be locked: ${message}`,
    { executed: "no", advice: "name a folder that this user can write", cause },
  );
}
