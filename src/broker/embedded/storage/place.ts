import { chmod, lstat, open, realpath, statfs } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import { makeFolders } from "../../../base/folders.ts";

/** The file in its folder. */
export const storageFileName = "broker.sqlite";

/** What Linux calls file systems that are shared over a network, by the numbers of statfs(2). */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x69_69, "NFS"],
  [0x51_7b, "SMB"],
  [0xfe_53_4d_42, "SMB"],
  [0xff_53_4d_42, "CIFS"],
  [0x53_46_41_4f, "AFS"],
  [0x6b_41_46_53, "AFS"],
  [0x73_75_72_45, "Coda"],
  [0x56_4c, "NCP"],
  [0x01_02_19_97, "9P"],
  [0x00_c3_64_00, "Ceph"],
  [0x0b_d0_0b_d0, "Lustre"],
  [0x47_50_46_53, "GPFS"],
  [0x01_16_19_70, "GFS2"],
  [0x74_61_63_6f, "OCFS2"],
]);

/**
 * Makes the folder where it is not there yet, and the file in it, for this user alone. Gives back the path of the file, without
 * links: whatever the folder's name leads to later, it stays with this one.
 */
export async function preparePlace(folder: string, networkAllowed: boolean): Promise<string> {
  const real = await makeFolder(folder, networkAllowed);
  try {
    const path = join(real, storageFileName);
    await makeFile(path, real);
    return path;
  } catch (error) {
    throw placeError(error, folder);
  }
}

/** Makes the folder where it is not there yet. Gives back its path, without links. */
export async function makeFolder(folder: string, networkAllowed: boolean): Promise<string> {
  try {
    await makeFolders(folder);
    const real = await realpath(folder);
    if (!networkAllowed) await refuseNetwork(real);
    return real;
  } catch (error) {
    throw placeError(error, folder);
  }
}

/** The path of a file that is there already. @throws TrunklineError when it is not. */
export async function findPlace(folder: string): Promise<string> {
  try {
    const path = join(await realpath(folder), storageFileName);
    await refuseLink(path);
    return path;
  } catch (error) {
    throw placeError(error, folder);
  }
}

/** Sees to it that an entry of a folder outlives the machine's power. */
export async function syncFolder(folder: string): Promise<void> {
  if (platform() === "win32") return; // it cannot be done there, and need not
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function makeFile(path: string, folder: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.close();
    await syncFolder(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mode } = await refuseLink(path);
    // What waits in it is nobody else's business.
    if ((mode & 0o077) !== 0) await chmod(path, 0o600);
  }
}

async function refuseLink(path: string): Promise<{ readonly mode: number }> {
  const stats = await lstat(path);
  if (stats.isFile()) return stats;
  throw systemError("INVALID_ARGUMENT", `${path} is not a file.`, {
    executed: "no",
    advice: "A link may lead to the folder, but not to the file in it.",
  });
}

async function refuseNetwork(folder: string): Promise<void> {
  if (platform() !== "linux") return;
  const name = networkFileSystems.get((await statfs(folder)).type);
  if (name === undefined) return;
  throw systemError("INVALID_ARGUMENT", `${folder} is on a network file system (${name}).`, {
    executed: "no",
    advice:
      "Locks and syncs there are not what they are on a disk. Choose a folder on a disk of this machine.",
  });
}

/** What is wrong with a folder, by what the system says of it. */
const placeProblems: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  EEXIST: ["is a file, and no folder", "Name another folder."],
  ENOTDIR: ["is a file or below one, and no folder", "Name another folder."],
  ENOENT: ["is not there", "Name the folder of a broker; see whether it is spelled so."],
  EACCES: ["may not be used by this user", "Name a folder that this process may write to."],
  EROFS: [
    "is on a disk that cannot be written to",
    "Mount it for writing, or name another folder.",
  ],
  ENOSPC: ["has no room: the disk is full", "Make room on it, or name another folder."],
  EDQUOT: ["has no room: the user's quota is used up", "Make room, or name another folder."],
};

/** @internal What the system says of a folder, in words. */
export function placeError(error: unknown, folder: string): TrunklineError {
  if (isTrunklineError(error)) return error;
  const { code = "", message } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const [reason, advice] = placeProblems[code] ?? [
    `cannot be used: ${message ?? String(error)}`,
    "Name a folder that this process may write to.",
  ];
  return systemError("UNAVAILABLE", `${folder} ${reason}.`, {
    executed: "no",
    advice,
    cause: error,
  });
}
