import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "../../base/error.ts";
import { makeFolders } from "../../base/folders.ts";
import { savedBytesMax } from "./bounds.ts";

/** Where a registry keeps what it knows. */
export interface RegistryDisk {
  /** What was written last, whole; undefined when nothing was. */
  read(): Promise<string | undefined>;
  /** Replaces what was written before: after a crash there is the one or the other, never a part. */
  write(text: string): Promise<void>;
  /** Puts aside what was written, because nobody can read it. Returns where it is now. */
  setAside(): Promise<string>;
}

const fileName = "registry.json";

/**
 * A file in a folder, made for this user alone if it is not there. Written under another name, synchronised and renamed, and
 * then the folder is: as rename(2) and fsync(2) promise.
 *
 * @throws TrunklineError UNAVAILABLE with what the system refused; from `setAside` and `write` too.
 */
export function folderDisk(folder: string): RegistryDisk {
  const path = join(folder, fileName);
  return {
    async read() {
      await makeFolders(folder).catch(refused(folder));
      const file = await open(path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        return refused(path)(error);
      });
      if (file === undefined) return undefined;
      try {
        if ((await file.stat()).size > savedBytesMax) return "";
        return await readFile(file, "utf8");
      } finally {
        await file.close();
      }
    },
    async write(text) {
      const next = `${path}.next`;
      await synchronised(next, "w", (file) => file.writeFile(text)).catch(refused(next));
      await rename(next, path).catch(refused(path));
      await synchronised(folder, "r").catch(refused(folder));
    },
    async setAside() {
      const aside = `${path}.unreadable`;
      await rename(path, aside).catch(refused(path));
      return aside;
    },
  };
}

async function synchronised(
  path: string,
  flags: string,
  write?: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await write?.(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

function refused(path: string): (error: unknown) => never {
  return (cause) => {
    const told = cause instanceof Error ? cause.message : String(cause);
    throw systemError("UNAVAILABLE", `the registry cannot keep its state: ${told}`, {
      executed: "no",
      advice: `see that ${path} can be written by this user`,
      cause,
    });
  };
}
