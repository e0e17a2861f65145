import type { BigIntStats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * A listening socket has two names: the path, and a hidden one beside it that tells the pid. The hidden one is where it
 * is bound before it is complete; afterwards it tells whose a file is that was left over.
 */
export function hiddenPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.sock`);
}

/** The hidden names of the socket `file`, each with the pid in it. */
export async function hiddenNames(
  path: string,
  file: BigIntStats,
): Promise<{ path: string; pid: number }[]> {
  const prefix = `.${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const found: { path: string; pid: number }[] = [];
  for (const name of names) {
    const match = name.startsWith(prefix) ? /^(\d+)\.sock$/.exec(name.slice(prefix.length)) : null;
    if (match === null) continue;
    const hidden = join(dirname(path), name);
    if (sameFile(await statOf(hidden), file)) found.push({ path: hidden, pid: Number(match[1]) });
  }
  return found;
}

/** The pid of the process that made the socket, when it can be told. */
export async function ownerOf(path: string, file: BigIntStats): Promise<number | undefined> {
  return (await hiddenNames(path, file))[0]?.pid;
}

/** The process that listens, as words. */
export async function listenerOf(path: string, file: BigIntStats): Promise<string> {
  const pid = await ownerOf(path, file);
  if (pid === undefined) return "another process";
  return pid === process.pid ? "this process" : `pid ${pid}`;
}

/** True when no process has this pid (any more). */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** What is at the path, without following a link; undefined when nothing is, or when we may not look. */
export async function statOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch(() => undefined);
}

/** As `statOf`, behind links: what connecting would reach. */
export async function targetOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

export function sameFile(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}
