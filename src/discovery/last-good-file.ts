import { open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { makeFolders } from "../base/folders.ts";
import type { Instance } from "./discovery.ts";
import type { LastGood } from "./endpoint-set.ts";
import { readInstance } from "./instance.ts";

/** A larger file is not ours, in bytes: a thousand instances have less. */
export const lastGoodBytesMax = 4_194_304;

/**
 * Keeps the last good instances of a service in a file, which only its user can read. It is replaced as a whole, so that who reads
 * finds the one before or the one after; what is not an instance in it is left out.
 *
 * `path`: one for each service; its folder is made when it is missing.
 */
export function lastGoodFile(path: string): LastGood {
  let writes = 0;
  return {
    read: async () => {
      const size = await stat(path).then((file) => file.size, sizeWithout);
      if (size === 0 || size > lastGoodBytesMax) return [];
      return instancesIn(await readFile(path, "utf8"));
    },
    write: async (instances) => {
      await makeFolders(dirname(path));
      const draft = `${path}.${writes++}.new`;
      const file = await open(draft, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify(instances));
        // Otherwise a crash of the machine could leave the new name with nothing in it.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path).catch(async (error: unknown) => {
        await unlink(draft).catch(() => {});
        throw error;
      });
    },
  };
}

function instancesIn(text: string): readonly Instance[] {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(written)) return [];
  return written.flatMap((each) => {
    try {
      return [readInstance(each)];
    } catch {
      return [];
    }
  });
}

function sizeWithout(error: NodeJS.ErrnoException): number {
  if (error.code === "ENOENT") return 0;
  throw error;
}
