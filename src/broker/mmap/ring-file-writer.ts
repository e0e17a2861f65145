import { fdatasync } from "node:fs";
import { promisify } from "node:util";
import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
import { BellRope } from "./bell.ts";
import { payloadBytesMax } from "./records.ts";
import { noRoom, notSynced, notThere, notTurn, senseless, tooLarge, tooMany } from "./refusal.ts";
import { RingFile } from "./ring-file.ts";
import { RingTail } from "./ring-tail.ts";
import { Lock, RingWord } from "./ring-words.ts";

export interface RingFileWriterTerms {
  readonly os: Addon;
  readonly path: string;
  /** Nothing counts as written before the disk has it. */
  readonly sync: boolean;
  readonly env: Env;
}

/** What came of a batch so far. */
interface Progress {
  written: number;
  /** Why the others were not. */
  error: TrunklineError | undefined;
}

/** How long, in milliseconds, between two looks at a ring that is full, or that somebody else writes. */
const pauseMs = 2;
/** So many turns of the event loop it is looked at again at once, before that. */
const turnsMax = 16;

/** Messages that wait for room in one ring. */
const waitingMax = 10_000;

const diskHas = promisify(fdatasync);

/** Writes into the ring of a file, to which other processes may write, too: by turns, each for as long as a batch takes. */
export class RingFileWriter {
  readonly #terms: RingFileWriterTerms;
  readonly #rope: BellRope;
  #file: RingFile | undefined;
  #tail: RingTail | undefined;
  /** With `sync`: as far as the disk knows what is settled. What stands behind that it would still take for messages. */
  #freed: number | undefined;
  /** Batches go in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();
  /** Messages of them that have not come to an end. */
  #waiting = 0;

  constructor(terms: RingFileWriterTerms) {
    this.#terms = terms;
    this.#rope = new BellRope(terms.path);
  }

  /** Writes them in their order; resolves with what came of each: undefined, it is written. What is not by `until` is not written. */
  write(
    payloads: readonly Uint8Array[],
    until: number,
  ): Promise<readonly (TrunklineError | undefined)[]> {
    const { path } = this.#terms;
    const count = payloads.length;
    if (this.#waiting + count > waitingMax)
      return Promise.resolve(payloads.map(() => tooMany(path, waitingMax)));
    this.#waiting += count;
    const outcomes = this.#last
      .then(() => this.#write(payloads, until))
      .finally(() => (this.#waiting -= count));
    this.#last = outcomes.catch(() => {});
    return outcomes;
  }

  /** When what is under way has ended. */
  async close(): Promise<void> {
    await this.#last;
    this.#letGo();
    this.#rope.close();
  }

  async #write(
    payloads: readonly Uint8Array[],
    until: number,
  ): Promise<readonly (TrunklineError | undefined)[]> {
    try {
      const max = payloadBytesMax(this.#opened().ringBytes);
      const refused = payloads.map((each) =>
        each.length <= max ? undefined : tooLarge(this.#terms.path, each.length, max),
      );
      const fitting = payloads.filter((_, index) => refused[index] === undefined);
      const { written, error } = await this.#writeAll(fitting, until);
      let index = 0;
      return refused.map((each) => each ?? (index++ < written ? undefined : error));
    } catch (error) {
      if (!isTrunklineError(error)) throw error;
      return payloads.map(() => error);
    }
  }

  /** How many were written, and why not all. */
  async #writeAll(payloads: readonly Uint8Array[], until: number): Promise<Progress> {
    const { path, sync } = this.#terms;
    const progress: Progress = { written: 0, error: undefined };
    try {
      await this.#fill(payloads, until, progress);
      if (sync && progress.written > 0) await this.#sync();
    } catch (cause) {
      if (!isTrunklineError(cause)) throw cause;
      // What is in the ring by now may be read, whatever the disk has.
      progress.error = sync && progress.written > 0 ? notSynced(path, "maybe", cause) : cause;
      if (sync) progress.written = 0;
    }
    return progress;
  }

  async #fill(payloads: readonly Uint8Array[], until: number, progress: Progress): Promise<void> {
    const { env, path, sync } = this.#terms;
    if (sync && this.#freed === undefined) await this.#sync();
    for (let turn = 0; progress.written < payloads.length; turn++) {
      const added = this.#turn(payloads, progress.written);
      if (added !== undefined && added > 0) turn = 0;
      progress.written += added ?? 0;
      if (progress.written === payloads.length) break;
      if (env.now() >= until) {
        progress.error = added === undefined ? notTurn(path) : noRoom(path);
        break;
      }
      if (sync && this.#opened().words.load(RingWord.head) !== this.#freed) await this.#sync();
      else if (turn < turnsMax) await new Promise<void>((resolve) => env.yield(resolve));
      else await sleep(env, pauseMs);
    }
  }

  /** One turn; undefined: it is somebody else's. Nothing is waited for while we have it. */
  #turn(payloads: readonly Uint8Array[], from: number): number | undefined {
    const file = this.#opened();
    if (!file.lock(Lock.writers)) return undefined;
    try {
      const added = this.#tail!.add(payloads, from, this.#freed);
      if (added < 0) throw senseless(file.path);
      if (added > 0 && this.#tail!.wakes()) this.#rope.ring();
      return added;
    } finally {
      file.unlock(Lock.writers);
    }
  }

  /** Has the disk take what the ring holds. */
  async #sync(): Promise<void> {
    const { fd, path, words } = this.#opened();
    const freed = words.load(RingWord.head);
    try {
      await diskHas(fd);
    } catch (cause) {
      throw notSynced(path, "no", cause);
    }
    this.#freed = freed;
  }

  /** The file, as it is now. */
  #opened(): RingFile {
    if (this.#file?.whole === false) this.#letGo();
    const { os, path } = this.#terms;
    this.#file ??= RingFile.open(os, path);
    if (this.#file === undefined) throw notThere(path);
    this.#tail ??= new RingTail(this.#file.records, this.#file.words);
    return this.#file;
  }

  #letGo(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#tail = undefined;
    this.#freed = undefined;
  }
}
