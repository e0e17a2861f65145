import { watch, type FSWatcher, type Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

import { alarmAt } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Instance } from "../discovery.ts";
import { instancesMax } from "../instance.ts";
import { isEntryFile, readEntry, type Entry } from "./entry.ts";
import { openFolder } from "./folder.ts";
import { hasEnded } from "../../base/process-owner.ts";

/** What comes within this time is looked at once, in milliseconds. */
const collectMs = 10;
/** How often the owners are asked for, in milliseconds: how late a death is noticed. */
const ownersMs = 250;
/** How often everything is read again, in milliseconds: events of file systems get lost. */
const wholeMs = 2_000;

/** One file as it was last read. */
interface Seen {
  /** Tells whether it has changed since. */
  readonly mark: string;
  /** Undefined: it is no entry. */
  readonly entry: Entry | undefined;
  /** By our own clock, which nobody sets: when the lease is over unless the file is touched. */
  readonly expiresAt: number;
}

/** Follows a folder: who is in it, and who of them lives. */
export class Scanner {
  readonly #folder: string;
  readonly #user: number | undefined;
  readonly #env: Env;
  readonly #changed: (instances: readonly Instance[] | undefined, problem: string) => void;
  readonly #seen: Map<string, Seen> = new Map();
  readonly #dirty: Set<string> = new Set();
  #watcher: FSWatcher | undefined;
  #inode = -1;
  #whole = true;
  /** The last look could not be taken: the next one is at everything. */
  #failed = false;
  #told: readonly Instance[] = [];
  #wholeAt = 0;
  #alarm: Alarm | undefined;
  #scanning: Promise<void> | undefined;
  #closed = false;

  /** `changed` hears the instances that live, when they have changed or were asked for; undefined, with the reason, when it cannot look. */
  constructor(
    folder: string,
    user: number | undefined,
    env: Env,
    changed: (instances: readonly Instance[] | undefined, problem: string) => void,
  ) {
    this.#folder = folder;
    this.#user = user;
    this.#env = env;
    this.#changed = changed;
    this.refresh();
  }

  /** Looks at everything. */
  refresh(): void {
    this.#whole = true;
    this.#soon(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#watcher?.close();
    await this.#scanning;
  }

  #soon(delayMs: number): void {
    if (this.#closed || this.#scanning !== undefined) return;
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#alarm = alarmAt(this.#env, this.#env.now() + delayMs, () => {
      this.#alarm = undefined;
      this.#scanning = this.#scan().finally(() => {
        this.#scanning = undefined;
        this.#soon(this.#nextMs());
      });
    });
  }

  #nextMs(): number {
    if (this.#failed) return ownersMs;
    if (this.#whole) return 0;
    return this.#dirty.size > 0 ? collectMs : ownersMs;
  }

  async #scan(): Promise<void> {
    const whole = this.#whole || this.#failed || this.#env.now() >= this.#wholeAt;
    try {
      if (whole) await this.#all();
      else await this.#some();
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      this.#unwatch();
      const problem = isTrunklineError(error) ? error.reason : (error as Error).message;
      if (!this.#closed) this.#changed(undefined, problem);
      return;
    }
    const living = this.#living();
    const same =
      living.length === this.#told.length && living.every((each, i) => each === this.#told[i]);
    // Whoever asked anew is answered; otherwise nobody is woken four times a second for nothing.
    if (this.#closed || (same && !whole)) return;
    this.#told = living;
    this.#changed(living, "");
  }

  async #all(): Promise<void> {
    this.#whole = false;
    this.#wholeAt = this.#env.now() + wholeMs;
    this.#follow(await openFolder(this.#folder, this.#user));
    this.#dirty.clear();
    const names = (await readdir(this.#folder)).filter(isEntryFile);
    if (names.length > instancesMax) this.#ignore("", `more than ${instancesMax} files`);
    const there = new Set(names.slice(0, instancesMax));
    for (const name of this.#seen.keys()) if (!there.has(name)) this.#seen.delete(name);
    for (const name of there) await this.#look(name);
    for (const [name, { entry }] of this.#seen)
      if (entry !== undefined && hasEnded(entry.owner, true)) this.#bury(name);
  }

  async #some(): Promise<void> {
    const names = [...this.#dirty];
    this.#dirty.clear();
    for (const name of names) await this.#look(name);
    for (const [name, { entry }] of this.#seen)
      if (entry !== undefined && hasEnded(entry.owner, false)) this.#bury(name);
  }

  /** Its owner has ended: it counts no more until its file is another one. */
  #bury(name: string): void {
    this.#seen.set(name, { ...this.#seen.get(name)!, entry: undefined });
  }

  async #look(name: string): Promise<void> {
    const path = join(this.#folder, name);
    const file = await lstat(path).catch(() => undefined);
    const before = this.#seen.get(name);
    if (file === undefined) return void this.#seen.delete(name);
    const mark = `${file.ino}:${file.size}:${file.mtimeMs}`;
    if (before?.mark === mark) return;
    let entry: Entry | undefined;
    try {
      if (!file.isFile()) throw new Error("it is no file");
      entry = await readEntry(path);
      if (hasEnded(entry.owner, true)) entry = undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return void this.#seen.delete(name);
      this.#ignore(name, isTrunklineError(error) ? error.reason : (error as Error).message);
    }
    const ttlMs = entry?.ttlMs ?? 0;
    // How old it is when we first see it is told by the clock on the wall alone; from then on ours counts.
    const age = before === undefined ? Math.max(0, this.#env.wall() - file.mtimeMs) : 0;
    this.#seen.set(name, { mark, entry, expiresAt: this.#env.now() + ttlMs - age });
  }

  #living(): Instance[] {
    const now = this.#env.now();
    return [...this.#seen.values()].flatMap(({ entry, expiresAt }) =>
      entry === undefined || expiresAt <= now ? [] : [entry.instance],
    );
  }

  #follow({ ino }: Stats): void {
    if (ino === this.#inode && this.#watcher !== undefined) return;
    this.#unwatch();
    this.#inode = ino;
    try {
      this.#watcher = watch(this.#folder, (_event, name) => {
        if (name === null) this.#whole = true;
        else if (isEntryFile(name)) this.#dirty.add(name);
        else return;
        this.#soon(collectMs);
      });
      this.#watcher.on("error", () => this.#unwatch());
    } catch {
      // No more of them are to be had: then everything is read as often as it is anyway.
      this.#watcher = undefined;
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #ignore(name: string, why: string): void {
    if (!channels.discovery.hasSubscribers) return;
    const reason = `${join(this.#folder, name)}: ${why}`;
    channels.discovery.publish({ registry: "directory", service: "*", what: "ignored", reason });
  }
}
