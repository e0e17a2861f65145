import type { BigIntStats } from "node:fs";
import { platform } from "node:os";
import { dirname } from "node:path";

import { isTrunklineError, systemError, type SystemError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import { ownUser } from "../../base/process-owner.ts";
import type { Address } from "../address.ts";
import { socketFile, type LocalFile } from "./local-file.ts";
import { hasEnded, listenerOf, ownerOf, statOf, targetOf } from "./owner.ts";

/**
 * Windows has neither sockets nor pipes among its files, as far as Node offers them. `system`: as `os.platform()` names it.
 * @throws TrunklineError UNIMPLEMENTED there.
 */
export function refuseWindows(address: Address, noun: string, system: string = platform()): void {
  if (system !== "win32") return;
  throw systemError("UNIMPLEMENTED", `${address.text}: Windows has no ${noun} in the file system`, {
    executed: "no",
    endpoint: address.text,
    advice: "use tcp://127.0.0.1:PORT, or stdio: for a process and its child",
  });
}

/** Translates what the system says when connecting fails. */
export async function dialRefused(
  address: Address,
  error: NodeJS.ErrnoException,
  kind: LocalFile = socketFile,
): Promise<SystemError> {
  const code = error.code ?? "";
  const file = await targetOf(address.place);
  if (code === "ECONNREFUSED" || code === "ENOENT" || code === "ENXIO" || code === "EPIPE") {
    if (file !== undefined && !kind.is(file)) return notASocket(address, file, kind);
    const { noun } = kind;
    const why =
      file === undefined ? await missing(address, noun) : await leftOver(address, file, noun);
    return refused("UNAVAILABLE", address, `nobody listens there (${code}; ${why})`, error);
  }
  if (code === "EACCES" || code === "EPERM") return denied(address, address.place, file, error);
  if (code === "EPROTOTYPE") {
    return refused(
      "INVALID_ARGUMENT",
      address,
      `the socket there is of another type (${code})`,
      error,
      elsewhere,
    );
  }
  return general(address, error);
}

/** Translates what the system says when listening fails. Errors that are ours pass. */
export async function listenRefused(address: Address, error: unknown): Promise<SystemError> {
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  if (isTrunklineError(error)) return error as SystemError;
  if (code === "EACCES" || code === "EROFS") {
    const { path, file } = await nearest(dirname(address.place));
    return denied(address, path, file, error, ownFolder);
  }
  if (syscall === "mkdir" && (code === "ENOENT" || code === "EPERM")) {
    const reason = `its folder ${dirname(address.place)} cannot be made: the file system there takes none (${code})`;
    return refused("INVALID_ARGUMENT", address, reason, error, localDisk);
  }
  if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP") {
    const reason = `the file system of ${dirname(address.place)} has no hard links (${code})`;
    return refused("INVALID_ARGUMENT", address, reason, error, localDisk);
  }
  return general(address, error as NodeJS.ErrnoException);
}

/** Dialling took longer than allowed; `error` is that of the last try, if there was one. */
export function notInTime(address: Address, error: NodeJS.ErrnoException | undefined): SystemError {
  const reason =
    error?.code === "EAGAIN"
      ? "somebody listens there but accepts no connection in time (EAGAIN): its queue is full"
      : "not connected in time";
  return refused(
    "UNAVAILABLE",
    address,
    reason,
    error,
    "look whether the process there is overloaded, or stopped",
  );
}

export function groupDenied(address: Address, gid: number, error: unknown): SystemError {
  const { code } = error as NodeJS.ErrnoException;
  const reason = `not allowed (${code}): this process may not give files to the group ${gid}`;
  const advice = "take a group that its user is in, or make the folder with that group and setgid";
  return refused("PERMISSION_DENIED", address, reason, error, advice);
}

export async function inUse(address: Address, file: BigIntStats): Promise<SystemError> {
  const who = await listenerOf(address.place, file);
  return refused(
    "UNAVAILABLE",
    address,
    `the address is in use: ${who} listens there`,
    undefined,
    "stop it, or choose another path",
  );
}

export async function beingTaken(address: Address, holder: BigIntStats): Promise<SystemError> {
  const who = await listenerOf(address.place, holder);
  return refused(
    "UNAVAILABLE",
    address,
    `the address is in use: ${who} is just taking it over`,
    undefined,
    "start only one of them, or choose another path",
  );
}

export function unsettled(address: Address): SystemError {
  return refused(
    "UNAVAILABLE",
    address,
    "the socket file comes and goes while we try to make it",
    undefined,
    "look which other process uses this path",
  );
}

export function notASocket(
  address: Address,
  file: BigIntStats,
  kind: LocalFile = socketFile,
): SystemError {
  let what = "another file";
  if (file.isDirectory()) what = "a folder";
  else if (file.isSymbolicLink()) what = "a symbolic link";
  const reason = `there is ${what} in the place of the ${kind.noun}`;
  return refused("INVALID_ARGUMENT", address, reason, undefined, elsewhere);
}

/** `path`: the file or folder that may not be used. */
export function denied(
  address: Address,
  path: string,
  file: BigIntStats | undefined,
  cause?: unknown,
  advice: string = sameUser,
): SystemError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "EACCES";
  const user = ownUser();
  const own = user === undefined ? "" : `, this process runs as uid ${user}`;
  const whose =
    file === undefined
      ? `its folder may not be entered${own}`
      : `${path} belongs to uid ${file.uid} and has mode ${mode(file)}${own}`;
  return refused("PERMISSION_DENIED", address, `not allowed (${code}): ${whose}`, cause, advice);
}

const elsewhere = "choose another path";
const sameUser =
  "run both processes as one user, or give the group write permission to the socket and its folder";
const localDisk = "choose a folder on a local disk, for example under /run or /tmp";
const ownFolder = "choose a folder that this process may write to, or change its owner or mode";

const exhausted: Readonly<Record<string, [reason: string, advice: string]>> = {
  EMFILE: [
    "this process has as many files open as it may",
    "raise `ulimit -n`, or close connections",
  ],
  ENFILE: ["the system has as many files open as it may", "close files, or raise fs.file-max"],
  ENOSPC: [
    "no space is left on the disk of the socket file",
    "free some, or choose another folder",
  ],
  EDQUOT: ["the quota of the user is used up", "free some space, or choose another folder"],
  ENOBUFS: ["the system has no memory for the socket", "free some"],
  ENOMEM: ["the system has no memory for the socket", "free some"],
};

const unusable: Readonly<Record<string, string>> = {
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "a part of the path is not a folder",
  ELOOP: "the symbolic links of the path go in a circle",
  ENAMETOOLONG: "a part of the path is too long",
};

function general(address: Address, error: NodeJS.ErrnoException): SystemError {
  const code = error.code ?? "";
  const [full, free] = exhausted[code] ?? [];
  if (full !== undefined)
    return refused("RESOURCE_EXHAUSTED", address, `${full} (${code})`, error, free);
  const wrong = unusable[code];
  if (wrong !== undefined)
    return refused("INVALID_ARGUMENT", address, `${wrong} (${code})`, error, elsewhere);
  return refused("UNAVAILABLE", address, error.message, error);
}

async function missing(address: Address, noun: string): Promise<string> {
  const folder = dirname(address.place);
  const there = await statOf(folder);
  return there === undefined ? `its folder ${folder} does not exist` : `there is no ${noun} file`;
}

async function leftOver(address: Address, file: BigIntStats, noun: string): Promise<string> {
  const pid = await ownerOf(address.place, file);
  if (pid === undefined) return `the ${noun} file is left over`;
  const state = hasEnded(pid) ? "has ended" : "no longer listens";
  return `the ${noun} file is left over from pid ${pid}, which ${state}`;
}

/** The file at the path or, when there is none, the nearest folder above it. */
async function nearest(path: string): Promise<{ path: string; file: BigIntStats | undefined }> {
  const file = await statOf(path);
  const above = dirname(path);
  return file !== undefined || above === path ? { path, file } : nearest(above);
}

function mode(file: BigIntStats): string {
  return (file.mode & 0o7777n).toString(8).padStart(4, "0");
}

function refused(
  code: SystemCode,
  address: Address,
  reason: string,
  cause: unknown,
  advice?: string,
): SystemError {
  return systemError(code, reason, { executed: "no", endpoint: address.text, cause, advice });
}
