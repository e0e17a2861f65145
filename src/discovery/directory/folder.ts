import { constants, type Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { systemError } from "../../base/error.ts";
import { makeFolders } from "../../base/folders.ts";

/** What of a process says where its user's services are. */
export interface FolderTerms {
  /** `XDG_RUNTIME_DIR`: the user's own folder, which goes with the last session (XDG Base Directory Specification). */
  readonly runtimeFolder: string | undefined;
  readonly user: number | undefined;
}

/** Where the services of a user are when nobody says otherwise: `$XDG_RUNTIME_DIR/trunkline/services`, or `/tmp/trunkline-<uid>/services`. */
export function defaultFolder({ runtimeFolder, user }: FolderTerms): string {
  const base =
    runtimeFolder !== undefined && runtimeFolder.startsWith("/")
      ? join(runtimeFolder, "trunkline")
      : `/tmp/trunkline-${user ?? "all"}`;
  return join(base, "services");
}

/**
 * Makes the folder when it is missing, for its user alone, and looks whether it can be trusted: whoever can write there says where
 * calls go.
 *
 * `user`: who must own it, and the folder above; undefined: whoever does.
 *
 * @throws TrunklineError PERMISSION_DENIED when it belongs to somebody else, or everybody may write there; UNAVAILABLE when it is no folder.
 */
export async function openFolder(path: string, user: number | undefined): Promise<Stats> {
  try {
    await makeFolders(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unreachable(path, error);
  }
  const found = await stat(path).catch((error: unknown) => {
    throw unreachable(path, error);
  });
  if (!found.isDirectory()) throw unreachable(path, new Error("it is not a folder"));
  if (user !== undefined) {
    // Whoever owns the folder above can put another one in its place; who made a link chose where it leads.
    for (const each of [found, await lstat(path), await stat(dirname(path))])
      if (each.uid !== user) throw foreign(path, each);
  }
  if ((found.mode & constants.S_IWOTH) !== 0) throw open(path);
  return found;
}

function unreachable(path: string, cause: unknown): Error {
  const reason = `the folder ${path} cannot be used: ${(cause as Error).message}`;
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    advice: "name a folder that this user can write, directory:/run/user/1000/services",
    cause,
  });
}

function foreign(path: string, { uid }: Stats): Error {
  return systemError(
    "PERMISSION_DENIED",
    `the folder ${path}, or the one above, belongs to user ${uid}`,
    {
      executed: "no",
      advice: "whoever owns it says where calls go: name a folder of your own, directory:/path",
    },
  );
}

function open(path: string): Error {
  return systemError("PERMISSION_DENIED", `everybody may write in the folder ${path}`, {
    executed: "no",
    advice: `whoever can write there says where calls go: chmod o-w ${path}`,
  });
}
