import type { BigIntStats } from "node:fs";
import { link, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Address } from "../address.ts";
import type { LocalFile } from "./local-file.ts";
import { hiddenNames, sameFile, statOf } from "./owner.ts";
import { beingTaken, denied, inUse, notASocket, unsettled } from "./refusal.ts";

/** How often others may get in between before we give up: each round somebody has come or gone. */
const roundsMax = 16;

/**
 * Gives the listening socket, or pipe, `hidden` its public name. `link` is atomic: of several processes one succeeds. What is
 * there already is replaced only when it is a socket to which nobody listens any more.
 */
export async function publish(hidden: string, address: Address, kind: LocalFile): Promise<void> {
  const path = address.place;
  for (let round = 0; round < roundsMax; round++) {
    if (await linked(hidden, path)) return;
    const file = await statOf(path);
    if (file === undefined) continue;
    if (!kind.is(file)) throw notASocket(address, file, kind);
    const life = await kind.probe(path);
    if (life === "alive") throw await inUse(address, file);
    if (life === "denied") throw denied(address, path, file);
    if (life === "dead") await removeDead(path, file, hidden, address, kind);
  }
  throw unsettled(address);
}

/** Takes the public name away again, unless it belongs to another socket by now. Call it while still listening. */
export async function withdraw(path: string, own: BigIntStats): Promise<void> {
  // Nobody replaces the file of a socket that still answers, so nothing gets in between these two.
  if (sameFile(await statOf(path), own)) await unlink(path).catch(ignoreMissing);
}

/**
 * Removes `name` while it is the dead socket `file`. Only who holds the lock of a dead socket removes a name of it:
 * otherwise, of two that have seen it dead, the second would remove the live one that the first has put there meanwhile.
 * The lock is one more name of our own listening socket, so that others can ask whether its holder lives; the lock of a
 * holder that died is itself a name of a dead socket, and removed by the same rule.
 */
async function removeDead(
  name: string,
  file: BigIntStats,
  hidden: string,
  address: Address,
  kind: LocalFile,
): Promise<void> {
  const lock = join(dirname(name), `.${file.ino.toString(36)}.lock`);
  if (!(await linked(hidden, lock))) {
    const holder = await statOf(lock);
    if (holder === undefined) return;
    const life = await kind.probe(lock);
    if (life === "dead") return removeDead(lock, holder, hidden, address, kind);
    if (life === "gone") return;
    throw await beingTaken(address, holder);
  }
  try {
    if (!sameFile(await statOf(name), file) || (await kind.probe(name)) !== "dead") return;
    for (const other of await hiddenNames(address.place, file)) {
      await unlink(other.path).catch(ignoreMissing);
    }
    await unlink(name).catch(ignoreMissing);
  } finally {
    await unlink(lock).catch(ignoreMissing);
  }
}

/** Adds a name; false when there is something under it. */
async function linked(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
