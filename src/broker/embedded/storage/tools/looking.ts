import { DatabaseSync } from "node:sqlite";
import { errorOf, failureOf } from "../failure.ts";
import { findPlace } from "../place.ts";
import { checkForm } from "../schema.ts";

/** How far a long work has come. */
export type Progress = (done: number, of: number, what: string) => void;

/**
 * Opens the file in a folder to look at it: nothing of it is changed. What `look` throws is told as an error of the file.
 * @throws TrunklineError UNAVAILABLE while a broker has it open.
 */
export async function looking<T>(
  folder: string,
  look: (db: DatabaseSync, path: string) => T | Promise<T>,
): Promise<T> {
  const path = await findPlace(folder);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    checkForm(db, path);
    return await look(db, path);
  } catch (error) {
    throw errorOf(failureOf(error, path), "no");
  } finally {
    db?.close();
  }
}
