import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { systemError } from "../../base/error.ts";
import type { Instance } from "../discovery.ts";
import { instanceBytesMax, readInstance, writeInstance } from "../instance.ts";
import { hasEnded, self, type Owner } from "../../base/process-owner.ts";

/** One file: an instance, whose it is, and how long it holds without being touched. */
export interface Entry {
  readonly instance: Instance;
  readonly owner: Owner;
  readonly ttlMs: number;
}

/** The longest file, in bytes: an instance, and a little around it. */
export const entryBytesMax: number = instanceBytesMax + 1_024;

/** How old a draft must be before it is taken for left over, in milliseconds. */
const draftAgeMs = 60_000;

/** The name of an instance's file: its id where that is a name for a file, otherwise something made of it. */
export function fileOf(id: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(id)) return `${id}.json`;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 24);
  return `${id.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 60)}~${hash}.json`;
}

/** True for names that `fileOf` makes. Drafts begin with a dot. */
export function isEntryFile(name: string): boolean {
  return name.endsWith(".json") && !name.startsWith(".");
}

/** The entry in a file. Throws what is wrong with it; a file that is no regular one is not opened. */
export async function readEntry(path: string): Promise<Entry> {
  // A link could lead anywhere, and opening a pipe would wait.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags);
  try {
    const { size, mode } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw wrong("it is no file");
    if (size > entryBytesMax) throw wrong(`it has more than ${entryBytesMax} bytes`);
    return parse(await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

function parse(text: string): Entry {
  const { instance, owner, ttlMs } = (fromJson(text) ?? {}) as Partial<Record<string, unknown>>;
  const { pid, started, pids } = (owner ?? {}) as Partial<Record<string, unknown>>;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0)
    throw wrong("it has no owner");
  if (typeof ttlMs !== "number" || !(ttlMs > 0)) throw wrong("it has no time to live");
  return {
    instance: readInstance(instance),
    owner: { pid, started: String(started), pids: String(pids) },
    ttlMs,
  };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong("it is not JSON");
  }
}

function wrong(why: string): Error {
  return systemError("INVALID_ARGUMENT", why, { executed: "no" });
}

let drafts = 0;

/** A file of ours, held open, so that its number in the file system stays its own. */
export class OwnEntry {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #inode: bigint;

  private constructor(path: string, file: FileHandle, inode: bigint) {
    this.#path = path;
    this.#file = file;
    this.#inode = inode;
  }

  /** Writes the entry; whatever is under its name is replaced in one step, so that nobody reads half of it. */
  static async write(folder: string, instance: Instance, ttlMs: number): Promise<OwnEntry> {
    const text = `{"instance":${writeInstance(instance)},"owner":${JSON.stringify(self())},"ttlMs":${ttlMs}}\n`;
    const name = fileOf(instance.id);
    const draft = join(folder, `.${name}.${self().pid}.${drafts++}.new`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(draft, flags, 0o600);
    try {
      await file.writeFile(text);
      const { ino } = await file.stat({ bigint: true });
      const path = join(folder, name);
      await rename(draft, path);
      return new OwnEntry(path, file, ino);
    } catch (error) {
      await file.close();
      await unlink(draft).catch(() => {});
      throw error;
    }
  }

  /** Touches it; false when there is none under its name, or another one. */
  async renew(wallMs: number): Promise<boolean> {
    if (!(await this.#isThere())) return false;
    // By the open file: if it is replaced right now, the other one is not touched.
    await this.#file.utimes(wallMs / 1_000, wallMs / 1_000);
    return true;
  }

  /**
   * Removes it, if it is still ours. Somebody who replaces it between the look and the removal loses theirs, notices that with the
   * next renewal, and writes it again.
   */
  async give(): Promise<void> {
    try {
      if (await this.#isThere()) await unlink(this.#path).catch(ignoreMissing);
    } finally {
      await this.release();
    }
  }

  /** Lets go of the file, and leaves it where it is. */
  async release(): Promise<void> {
    await this.#file.close();
  }

  async #isThere(): Promise<boolean> {
    try {
      return (await stat(this.#path, { bigint: true })).ino === this.#inode;
    } catch (error) {
      ignoreMissing(error as NodeJS.ErrnoException);
      return false;
    }
  }
}

/** Removes what processes have left that have ended: files and drafts. */
export async function clean(folder: string, wallMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.startsWith(".") && name.endsWith(".new")) {
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (wallMs - mtimeMs > draftAgeMs) await unlink(path).catch(ignoreMissing);
    } else if (isEntryFile(name)) {
      const entry = await readEntry(path).catch(() => undefined);
      if (entry !== undefined && hasEnded(entry.owner, true))
        await unlink(path).catch(ignoreMissing);
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
