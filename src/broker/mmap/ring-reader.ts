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

export interface RingReaderTerms {
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
export class RingReader {
  readonly #terms: RingReaderTerms;
  #file: RingFile | undefined;
  /** Defined: the ring is ours. */
  #head: RingHead | undefined;
  #ear: BellEar | undefined;
  #alarm: Alarm | undefined;

  /** @throws TrunklineError where it cannot be read at all. The file becomes the reader's. */
  constructor(file: RingFile, terms: RingReaderTerms) {
    this.#terms = terms;
    this.#file = file;
    try {
      this.#begin(file);
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  /** Counts those who have read this ring, one after the other. */
  get generation(): number {
    return this.#file?.words.load(RingWord.generation) ?? 0;
  }

  /** The next record; undefined: there is none now, and `ready` says when to look again. */
  take(): Taken | undefined {
    const [file, head] = [this.#file, this.#head];
    if (file === undefined || head === undefined) return undefined;
    if (!file.whole) return this.#lose(`${file.path} was removed, or its size changed`);
    for (;;) {
      const taken = head.take();
      if (taken === false) return this.#lose(senseless(file.path).message);
      if (taken !== undefined) return taken;
      if (!head.sleep()) continue;
      this.#wait(lookMs, () => this.#heard());
      return undefined;
    }
  }

  /** Hands out again what was taken. */
  again(taken: Taken): Taken {
    return this.#head?.again(taken) ?? taken;
  }

  settle(taken: Taken): void {
    this.#head?.settle(taken);
  }

  close(): void {
    if (this.#alarm !== undefined) this.#terms.env.clear(this.#alarm);
    this.#letGo();
  }

  #begin(file: RingFile): void {
    const { os } = this.#terms;
    if (!file.lock(Lock.readers)) return this.#wait(standByMs, () => this.#begin(file));
    this.#ear = new BellEar(os, file.path, () => this.#heard());
    const { words } = file;
    words.store(RingWord.generation, words.load(RingWord.generation) + 1);
    this.#head = new RingHead(file.records, words);
    this.#terms.env.defer(this.#terms.ready);
  }

  #heard(): void {
    this.#head?.wake();
    this.#terms.ready();
  }

  #lose(reason: string): undefined {
    this.#letGo();
    this.#terms.lost(reason);
    this.#wait(lookMs, () => this.#open());
  }

  #open(): void {
    const { open, lost } = this.#terms;
    try {
      this.#file = open();
      if (this.#file !== undefined) return this.#begin(this.#file);
    } catch (error) {
      if (!isTrunklineError(error)) throw error;
      this.#letGo();
      lost(error.message);
    }
    this.#wait(lookMs, () => this.#open());
  }

  #wait(ms: number, then: () => void): void {
    const { env } = this.#terms;
    if (this.#alarm !== undefined) env.clear(this.#alarm);
    this.#alarm = alarmAt(env, env.now() + ms, then);
  }

  #letGo(): void {
    this.#head?.wake();
    this.#ear?.close();
    this.#file?.close();
    this.#head = undefined;
    this.#ear = undefined;
    this.#file = undefined;
  }
}
