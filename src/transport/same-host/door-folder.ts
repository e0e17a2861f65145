import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { lstat, readdir, unlink } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { hex } from "../../base/id.ts";
import { ownUser } from "../../base/process-owner.ts";
import { secretBytes } from "../../base/secret.ts";
import { socketPathBytesMax } from "../address.ts";
import { hasEnded } from "../unix/owner.ts";
import { probe } from "../unix/probe.ts";

/** Left-over doors that one process looks at: others look at the rest. */
const leftOverMax = 256;

const doorName = /^(\d+)-[0-9a-f]{8}\.sock$/;

/** The path of a door of this process, in a folder that is this user's alone; undefined where there can be none. */
export function newDoorPath(): string | undefined {
  const user = ownUser();
  if (user === undefined || platform() === "win32") return undefined;
  const folder = join(process.env["XDG_RUNTIME_DIR"] || tmpdir(), folderName(user));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return undefined;
  }
  try {
    if (!isOurs(lstatSync(folder), user)) return undefined;
  } catch {
    return undefined;
  }
  const number = Buffer.from(secretBytes(4)).readUInt32BE();
  const path = join(folder, `${process.pid}-${hex(number, 8)}.sock`);
  return Buffer.byteLength(path) > socketPathBytesMax ? undefined : path;
}

/**
 * Why no door of this user's can be there; undefined: one can. A peer names the path, and it must not be able to have us connect to whatever
 * it likes: only processes of this user, and root, put a socket into such a folder.
 */
export async function doorProblem(path: string): Promise<string | undefined> {
  const user = ownUser();
  const folder = dirname(path);
  if (user === undefined || !doorName.test(basename(path))) return "its door is none";
  if (basename(folder) !== folderName(user)) return "the peer is of another user";
  try {
    if (!isOurs(await lstat(folder), user)) return "others can write where its door is";
    const file = await lstat(path);
    if (!file.isSocket() || file.uid !== user) return "its door is none of this user's";
    return undefined;
  } catch (error) {
    return `its door cannot be seen (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** Removes the doors that dead processes have left beside this one. */
export async function removeLeftOver(own: string): Promise<void> {
  const folder = dirname(own);
  const names = await readdir(folder).catch((): string[] => []);
  const doors = names.filter((name) => doorName.test(name) && join(folder, name) !== own);
  for (const name of doors.slice(0, leftOverMax)) {
    // Of a process in another pid namespace it only seems that it has ended, but it answers.
    if (!hasEnded(Number.parseInt(name, 10))) continue;
    const path = join(folder, name);
    const life = await probe(path).catch(() => "denied");
    if (life === "dead") await unlink(path).catch(() => {});
  }
}

function folderName(user: number): string {
  return `trunkline-${user}`;
}

function isOurs(folder: Stats, user: number): boolean {
  return folder.isDirectory() && folder.uid === user && (folder.mode & 0o077) === 0;
}
