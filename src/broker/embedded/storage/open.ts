import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Env } from "../../../base/env.ts";
import { openFile, type SqliteStorage, type SqliteStorageOptions } from "./sqlite-storage.ts";

/** The file in its folder. */
export const storageFileName = "broker.sqlite";

/**
 * Opens what a broker keeps in a folder, or makes it: for this process alone.
 * @throws TrunklineError UNAVAILABLE when another process has it open, or it cannot be read or written; DATA_LOSS when it is
 * damaged: it is left as it is; UNIMPLEMENTED when a newer version wrote it.
 */
export async function openSqliteStorage(
  folder: string,
  options: SqliteStorageOptions,
  env: Env,
): Promise<SqliteStorage> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return openFile(join(folder, storageFileName), options, env);
}
