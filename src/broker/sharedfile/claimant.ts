import { link, lstat, readdir, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { hostId } from "../../base/host-id.ts";
import { uuidv7 } from "../../base/id.ts";
import { hasEnded, self, type Owner } from "../../base/process-owner.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { codeOf } from "./failure.ts";
import { linkless, makeFile, textAt, unless, written } from "./place.ts";

/** A claimant shows by the time of its file that it lives, this often. */
const beatMs = 3_000;

/**
 * Who has not shown that for so long is taken to be gone, where nothing better is known of him: he is on another host, or of a start of this
 * host that is over. Five beats, so that one that a network loses takes nobody's place.
 */
export const staleMs = 15_000;

/** A claim that is taken from the dead is itself claimed, and so on: each step needs somebody who died in the one before. */
const depthMax = 8;

/** Claims of others that are remembered for a while. */
const seenMax = 10_000;

/**
 * What a claim is worth against others. `held`: as long as its process lives, however long it stands still. `leased`: it is lost too by who
 * does not show that he lives.
 */
export type Rule = "held" | "leased";

/** Who claims something, as his file tells. */
export interface Holder extends Owner {
  readonly id: string;
  readonly host: string;
  readonly name: string;
}

interface Seen {
  /** Who it is; undefined: a file that nothing can be read of. */
  readonly holder: Holder | undefined;
  /** The file itself, whatever its names: those of one claimant are one. */
  readonly file: string;
  /** Changes with whose it is, and each time that he shows that he lives. */
  readonly mark: string;
}

/**
 * One who claims things in a shared folder, so that at most one has each. He has a file that says who he is, and a claim is one more name of it: a
 * hard link, which every file system makes once or not at all; where there are no links, a file that is made only if it is not there. Nothing else is
 * asked of the file system, no lock of the system's, for those are not the same everywhere.
 *
 * A claim of a process that has certainly ended is taken over at once. Who takes it over claims that first (`….break`), so of several one does.
 */
export class Claimant {
  readonly id: string;
  readonly path: string;
  readonly #text: string;
  readonly #own: Holder;
  readonly #env: Env;
  /** Since when claims of others look as they do, by our own clock: those of others are never compared. */
  readonly #seen = new Map<string, { readonly mark: string; readonly since: number }>();
  /** Claims that are files of their own, for want of links. */
  readonly #copies = new Set<string>();
  #alarm: Alarm | undefined;
  #gone = false;

  private constructor(folder: string, name: string, env: Env) {
    this.id = uuidv7(env);
    this.path = join(folder, this.id);
    this.#own = { id: this.id, host: hostOf(), ...self(), name };
    this.#text = `${JSON.stringify(this.#own)}\n`;
    this.#env = env;
  }

  /** Puts his file into the folder. `name`: for people. */
  static async enter(folder: string, name: string, env: Env): Promise<Claimant> {
    const claimant = new Claimant(folder, name, env);
    await makeFile(claimant.path, claimant.#text, env);
    claimant.#beatSoon();
    return claimant;
  }

  /** Takes what is free, or the dead one's. False: somebody has it. */
  async claim(path: string, rule: Rule, depth: number = 0): Promise<boolean> {
    if (await this.take(path)) return true;
    const seen = await this.#look(path);
    if (seen === undefined) return this.take(path);
    if (!this.#isStale(seen, rule) || depth >= depthMax) return false;
    const breaking = `${path}.break`;
    if (!(await this.claim(breaking, "held", depth + 1))) return false;
    try {
      // Nobody else removes what is not his while we have this: what is stale now is so still when it is removed.
      const again = await this.#look(path);
      if (again !== undefined) {
        if (again.file !== seen.file || again.mark !== seen.mark) return false;
        await unlink(path).catch(unless("ENOENT"));
      }
      return await this.take(path);
    } finally {
      await this.release(breaking);
    }
  }

  /** Whether a claim is ours still. */
  async has(path: string): Promise<boolean> {
    const [claimed, own] = await Promise.all([statOf(path), statOf(this.path)]);
    if (this.#copies.has(path) || own === undefined)
      return (await this.#look(path))?.holder?.id === this.id;
    return claimed !== undefined && claimed.ino === own.ino && claimed.dev === own.dev;
  }

  /** Gives back what is claimed. What is somebody else's by now stays his. */
  async release(path: string): Promise<void> {
    if (!(await this.has(path))) return;
    await unlink(path).catch(unless("ENOENT"));
    this.#copies.delete(path);
  }

  /** The others of the folder who live, the oldest first. The files of those who do not are removed, and what is left of half of one. */
  async others(folder: string): Promise<readonly string[]> {
    const living: string[] = [];
    for (const name of (await readdir(folder)).toSorted()) {
      if (name === this.id || !/^[0-9a-f-]{36}(\.|$)/.test(name)) continue;
      const path = join(folder, name);
      const seen = await this.#look(path);
      if (seen === undefined) continue;
      if (this.#isStale(seen, "leased")) await unlink(path).catch(unless("ENOENT"));
      else if (name.length === this.id.length) living.push(name);
    }
    return living;
  }

  /** Whether his file is there still: who has been taken for dead has none. */
  async isKnown(): Promise<boolean> {
    return (await statOf(this.path)) !== undefined;
  }

  async leave(): Promise<void> {
    this.#gone = true;
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    await unlink(this.path).catch(() => {});
  }

  /** Takes what is free. False: somebody has it, who may be dead. */
  async take(path: string, again: boolean = false): Promise<boolean> {
    try {
      await link(this.path, path);
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      // Who stood still may have been taken for dead, and his file removed: what he has then is another file that says the same.
      if (codeOf(error) === "ENOENT" && !again && !(await this.isKnown())) {
        await makeFile(this.path, this.#text, this.#env);
        return this.take(path, true);
      }
      if (!linkless(error)) throw error;
      if (!(await written(path, this.#text))) return false;
      this.#copies.add(path);
      return true;
    }
  }

  async #look(path: string): Promise<Seen | undefined> {
    const stats = await statOf(path);
    const text = stats === undefined ? undefined : await textAt(path);
    if (stats === undefined || text === undefined) return undefined;
    const holder = holderIn(text);
    const file = `${stats.dev} ${stats.ino}`;
    return { holder, file, mark: `${holder?.id} ${stats.mtimeMs}` };
  }

  #isStale({ holder, file, mark }: Seen, rule: Rule): boolean {
    if (holder !== undefined && holder.host === this.#own.host && holder.pids === this.#own.pids) {
      if (hasEnded(holder, true)) return true;
      if (rule === "held") return false;
    }
    const now = this.#env.now();
    const before = this.#seen.get(file);
    if (before?.mark === mark) return now - before.since >= staleMs;
    if (this.#seen.size >= seenMax) this.#seen.clear();
    this.#seen.set(file, { mark, since: now });
    return false;
  }

  #beatSoon(): void {
    if (this.#gone) return;
    this.#alarm = alarmAt(this.#env, this.#env.now() + beatMs, () => {
      const now = this.#env.wall() / 1_000;
      const beats = [this.path, ...this.#copies].map((path) => utimes(path, now, now));
      void Promise.allSettled(beats).then(() => this.#beatSoon());
    });
  }
}

/** All processes on one kernel since its start have one. */
function hostOf(): string {
  return hostId().split(".")[0]!;
}

async function statOf(
  path: string,
): Promise<{ ino: bigint; dev: bigint; mtimeMs: bigint } | undefined> {
  return lstat(path, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

export function holderIn(text: string): Holder | undefined {
  try {
    const { id, host, pid, started, pids, name } = JSON.parse(text) as Partial<Holder>;
    const texts = [id, host, started, pids, name].every((each) => typeof each === "string");
    if (!texts || !Number.isSafeInteger(pid)) return undefined;
    return { id: id!, host: host!, pid: pid!, started: started!, pids: pids!, name: name! };
  } catch {
    return undefined;
  }
}
