import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemError } from "../../../../base/error.ts";
import { Doomed } from "../doomed.ts";
import { errorOf, failureOf } from "../failure.ts";
import { findPlace } from "../place.ts";
import { checkForm, migrate } from "../schema.ts";
import type { Progress } from "./looking.ts";

/** Bytes of the file, before and after. */
export interface Compaction {
  readonly before: number;
  readonly after: number;
}

/**
 * Writes a storage anew without free room in it. Meanwhile it needs as much room on the disk again as it has, twice.
 * @throws TrunklineError RESOURCE_EXHAUSTED when that is not there; UNAVAILABLE while a broker has it open.
 */
export async function compact(folder: string, progress: Progress = () => {}): Promise<Compaction> {
  const path = await findPlace(folder);
  const before = statSync(path).size;
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize < 2 * before)
    throw systemError(
      "RESOURCE_EXHAUSTED",
      `${path} has ${before} bytes, and only ${bavail * bsize} are free on its disk.`,
      { executed: "no", advice: "Make room for twice its size." },
    );
  let db: DatabaseSync | undefined;
  try {
    progress(0, 2, "written anew");
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec("PRAGMA locking_mode=EXCLUSIVE");
    checkForm(db, path);
    migrate(db);
    db.exec("PRAGMA synchronous=FULL; BEGIN");
    const doomed = new Doomed(db);
    while (doomed.piece());
    db.exec("COMMIT; VACUUM");
    progress(1, 2, "put in place");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    throw errorOf(failureOf(error, path), "no");
  } finally {
    db?.close();
  }
  progress(2, 2, "done");
  return { before, after: statSync(path).size };
}
