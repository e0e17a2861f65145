import { constants, type Stats } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  open,
  realpath,
  statfs,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";

import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { makeFolders } from "../../base/folders.ts";
import { uuidv7 } from "../../base/id.ts";
import { codeOf, fileError } from "./failure.ts";

/** Only for processes of the same user, and root. */
const folderMode = 0o700;
const fileMode = 0o600;

/** No file is reached by a link: whoever may write to the folder could lead us to any other. */
const noLinks = constants.O_NOFOLLOW ?? 0;

/** What tells that a folder is one of ours, and in which form. */
const formName = "sharedfile.json";
const form = `{"trunkline":"sharedfile","version":1}\n`;

/** The folders in one that is shared, by their names. */
export interface Folder {
  readonly path: string;
  readonly writers: string;
  readonly channels: string;
  readonly replies: string;
  /** The system tells of what others do here. */
  readonly told: boolean;
}

/** File systems of one host, by the numbers of statfs(2), on which Linux tells of all changes: ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS. */
const toldFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010,
]);

/**
 * Makes the folder where it is not there yet, for this user alone. One that holds something else, or to which everybody may write, is refused.
 *
 * @throws TrunklineError INVALID_ARGUMENT, PERMISSION_DENIED, UNAVAILABLE.
 */
export async function openFolder(given: string, env: Env): Promise<Folder> {
  try {
    await makeFolders(given, folderMode);
    const path = await realpath(given);
    const { mode } = await lstat(path);
    if ((mode & constants.S_IWOTH) !== 0)
      throw systemError("PERMISSION_DENIED", `everybody may write in the folder ${path}`, {
        executed: "no",
        advice: `whoever can write there can change what waits: chmod o-w ${path}`,
      });
    await knowForm(path, env);
    const [writers, channels, replies] = ["writers", "channels", "replies"].map((each) =>
      join(path, each),
    ) as [string, string, string];
    for (const each of [writers, channels, replies]) await makeFolder(each);
    const told = toldFileSystems.has((await statfs(path)).type);
    return { path, writers, channels, replies, told };
  } catch (error) {
    throw fileError(error, given, "no");
  }
}

async function knowForm(folder: string, env: Env): Promise<void> {
  const path = join(folder, formName);
  const found =
    (await textAt(path)) ?? ((await makeFile(path, form, env)) ? form : await textAt(path));
  if (found === form) return;
  throw systemError("INVALID_ARGUMENT", `${path} is not of this version`, {
    executed: "no",
    advice: "name another folder, or use the version that made it",
  });
}

/** A folder in one of ours: a link in its place is refused. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: folderMode }).catch(unless("EEXIST"));
  if ((await lstat(path)).isDirectory()) return;
  throw systemError("PERMISSION_DENIED", `${path} is no folder`, {
    executed: "no",
    advice: "links may lead to the shared folder, not in it",
  });
}

/** Opens a file of ours. One that is no plain file is refused. */
export async function openFile(path: string, flags: number): Promise<[FileHandle, Stats]> {
  const handle = await open(path, flags | noLinks, fileMode);
  try {
    const stats = await handle.stat();
    if (stats.isFile()) return [handle, stats];
    throw systemError("PERMISSION_DENIED", `${path} is no file`, { executed: "no" });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The largest file that is read as a whole: what we write so has a few KiB. */
const textBytesMax = 1_048_576;

/** What a small file says; undefined: it is not there. */
export async function textAt(path: string): Promise<string | undefined> {
  let handle: FileHandle;
  let stats: Stats;
  try {
    [handle, stats] = await openFile(path, constants.O_RDONLY);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(stats.size, textBytesMax));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Writes a file that appears whole, or not at all. False: there was one already, which is left. */
export async function makeFile(path: string, text: string, env: Env): Promise<boolean> {
  const draft = `${path}.${uuidv7(env)}`;
  await written(draft, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // A file system without hard links: who looks at this instant may see an empty file, and looks again.
    if (!linkless(error)) throw error;
    return await written(path, text);
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/** False: there was one already. */
export async function written(path: string, text: string): Promise<boolean> {
  try {
    const [handle] = await openFile(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    );
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** The file system has no hard links (FAT, some of those over a network). */
export function linkless(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error) ?? "");
}

export function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}
