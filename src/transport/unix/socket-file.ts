import type { BigIntStats } from "node:fs";
import { link, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import type { Address } from "../address.ts";
import { hiddenNames, sameFile, statOf } from "./owner.ts";
import { probe } from "./probe.ts";
import { beingTaken, denied, inUse, notASocket, unsettled } from "./refusal.ts";

/** How often others may get in between before we give up: each round somebody has come or gone. */
const roundsMax = 16;

/**
 * Gives the listening socket `hidden` its public name. `link` is atomic: of several processes one succeeds. What is
 * there already is replaced only when it is a socket to which nobody listens any more.
 */
export async function publish(hidden: string, address: Address): Promise<void> {
  const path = address.place;
  for (let round = 0; round < roundsMax; round++) {
    if (await linked(hidden, path)) return;
    const file = await statOf(path);
    if (file === undefined) continue;
    if (!file.isSocket()) throw notASocket(address, file);
    const life = await probe(path);
    if (life === "alive") throw await inUse(address, file);
    if (life === "denied") throw denied(address, path, file);
    if (life === "dead" && (await takeOver(hidden, address, file))) return;
  }
  throw unsettled(address);
}

/** Takes the public name away again, unless it belongs to another socket by now. Call it while still listening. */
export async function withdraw(path: string, own: BigIntStats): Promise<void> {
  // Nobody replaces the file of a socket that still answers, so nothing gets in between these two.
  if (sameFile(await statOf(path), own)) await unlink(path).catch(ignoreMissing);
}

/**
 * Replaces the dead socket `file`. Only who holds the lock removes a name that is not its own: otherwise, of two that have
 * seen the same dead file, the second would remove the live one that the first has just put there. The lock is one more
 * name of our listening socket, so that others can ask whether its holder lives.
 */
async function takeOver(hidden: string, address: Address, file: BigIntStats): Promise<boolean> {
  const path = address.place;
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  if (!(await linked(hidden, lock))) {
    const holder = await statOf(lock);
    if (holder === undefined) return false;
    if ((await probe(lock)) === "alive") throw await beingTaken(address, holder);
    await removeDead(lock, holder, `${hidden}.old`);
    return false;
  }
  try {
    if (!sameFile(await statOf(path), file) || (await probe(path)) !== "dead") return false;
    for (const name of await hiddenNames(path, file)) await unlink(name.path).catch(ignoreMissing);
    await unlink(path);
    return await linked(hidden, path);
  } finally {
    await unlink(lock).catch(ignoreMissing);
  }
}

/** Removes a lock whose holder died with it; `rename` is atomic, so that only one removes it, and no newer one. */
async function removeDead(lock: string, holder: BigIntStats, aside: string): Promise<void> {
  try {
    await rename(lock, aside);
  } catch (error) {
    return ignoreMissing(error);
  }
  if (!sameFile(await statOf(aside), holder)) await linked(aside, lock);
  await unlink(aside);
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
