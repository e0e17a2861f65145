import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Addon } from "../../os/addon.ts";
import { BellEar } from "./bell.ts";
import { senseless } from "./refusal.ts";
import type { RingFile } from "./ring-file.ts";
import { RingHead, type Taken } from "./ring-head.ts";
import { Lock, RingWord } from "./ring-words.ts";

export interface RingFileReaderTerms {
  readonly os: Addon;
  /** Opens the file, and makes it when it is missing; undefined: somebody else is making it. */
  readonly open: () => RingFile | undefined;
  /** There may be something to take. */
  readonly ready: () => void;
  /** The file was taken away, and with it all that was taken of it and not settled. Another one is looked for. */
  readonly lost: (reason: string) => void;
  readonly env: Env;
}

/** How often, in milliseconds, whoever stands by looks whether the ring is free. */
const standByMs = 200;
/**
 * How often, in milliseconds, a ring is looked at from which nothing comes: a writer may have died between its message and the bell, or
 * somebody may have removed the file.
 */
const lookMs = 500;

/** Reads the ring of a file, once nobody else does: until then it stands by. */
export class RingFileReader {
  readonly #terms: RingFileReaderTerms;
  #file: RingFile | undefined;
  /** Defined: the ring is ours. */
  #head: RingHead | undefined;
  #ear: BellEar | undefined;
  #alarm: Alarm | undefined;
  /** In this turn of the event loop it was whole. */
  #seen = false;
  /** Counts those who have read this ring, one after the other. */
  generation = 0;

  /** @throws TrunklineError where it cannot be read at all. The file becomes the reader's. */
  constructor(file: RingFile, terms: RingFileReaderTerms) {
    this.#terms = terms;
    this.#file = file;
    try {
      this.#begin(file);
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  /** As many records as there are, at most `count`; fewer: `ready` says when to look again. */
  take(count: number): Taken[] {
    const [file, head] = [this.#file, this.#head];
    const all: Taken[] = [];
    if (file === undefined || head === undefined || !this.#whole(file)) return all;
    while (all.length < count) {
      const taken = head.take();
      if (taken === false) return this.#lose(senseless(file.path).message);
      if (taken !== undefined) all.push(taken);
      else if (head.sleep()) {
        this.#wait(lookMs, () => this.#heard());
        break;
      }
    }
    return all;
  }

  /** Hands out again what was taken; false: the ring is lost. */
  again(taken: Taken): boolean {
    if (this.#head === undefined || !this.#whole(this.#file!)) return false;
    this.#head.again(taken);
    return true;
  }

  /** Settles what was taken; false: the ring is lost. */
  settle(taken: Taken): boolean {
    if (this.#head === undefined || !this.#whole(this.#file!)) return false;
    this.#head.settle(taken);
    return true;
  }

  close(): void {
    if (this.#alarm !== undefined) this.#terms.env.clear(this.#alarm);
    this.#letGo();
  }

  #begin(file: RingFile): void {
    const { os } = this.#terms;
    if (!file.lock(Lock.readers)) return this.#wait(standByMs, () => this.#goOn());
    this.#ear = new BellEar(os, file.path, () => this.#heard());
    const { words } = file;
    this.generation = (words.load(RingWord.generation) + 1) >>> 0;
    words.store(RingWord.generation, this.generation);
    this.#head = new RingHead(file.records, words);
    this.#terms.env.defer(this.#terms.ready);
  }

  #heard(): void {
    if (this.#head === undefined || !this.#whole(this.#file!)) return;
    this.#head.wake();
    this.#terms.ready();
  }

  /** Asked before anything of the file is looked at, and not again in the same turn. False: it is lost. */
  #whole(file: RingFile): boolean {
    if (this.#seen) return true;
    if (!file.whole) {
      this.#lose(`${file.path} was removed, or its size changed`);
      return false;
    }
    this.#seen = true;
    this.#terms.env.defer(() => (this.#seen = false));
    return true;
  }

  #lose(reason: string): [] {
    this.#letGo();
    this.#wait(lookMs, () => this.#goOn()); // before it is told: who hears it may close
    this.#terms.lost(reason);
    return [];
  }

  /** Tries to get the ring, with the file that we have or with another one. */
  #goOn(): void {
    try {
      this.#file ??= this.#terms.open();
      if (this.#file === undefined) this.#wait(lookMs, () => this.#goOn());
      else this.#begin(this.#file);
    } catch (error) {
      if (!isTrunklineError(error)) throw error;
      this.#lose(error.message);
    }
  }

  #wait(ms: number, then: () => void): void {
    const { env } = this.#terms;
    if (this.#alarm !== undefined) env.clear(this.#alarm);
    this.#alarm = alarmAt(env, env.now() + ms, then);
  }

  #letGo(): void {
    if (this.#head !== undefined && this.#file?.whole === true) this.#head.wake();
    this.#ear?.close();
    this.#file?.close();
    this.#head = undefined;
    this.#ear = undefined;
    this.#file = undefined;
  }
}
