import type { Env } from "../../../base/env.ts";
import { preparePlace } from "./place.ts";
import { openFile, type SqliteStorage, type SqliteStorageOptions } from "./sqlite-storage.ts";

/**
 * Opens what a broker keeps in a folder, or makes it: for this process alone, and for this user.
 * @throws TrunklineError UNAVAILABLE when another process has it open, or it cannot be read or written; DATA_LOSS when it is
 * damaged: it is left as it is; UNIMPLEMENTED when a newer version wrote it; INVALID_ARGUMENT when it is something else, or lies
 * on a network file system.
 */
export async function openSqliteStorage(
  folder: string,
  options: SqliteStorageOptions,
  env: Env,
): Promise<SqliteStorage> {
  return openFile(await preparePlace(folder, options.networkAllowed ?? false), options, env);
}
