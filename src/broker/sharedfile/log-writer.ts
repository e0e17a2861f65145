import { constants, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Executed } from "../../base/outcome.ts";
import type { Claimant } from "./claimant.ts";
import { fileError } from "./failure.ts";
import { newline, tornMark } from "./line.ts";
import { openFile } from "./place.ts";
import { segmentAt, segmentsOf, type Segment } from "./segments.ts";

/** What is written with one lock at most, in bytes, besides one line that is larger. */
const batchBytesMax = 4 * 1_024 * 1_024;
/** What waits to be written to one log, past which publishers wait. */
const waitingBytesMax = 16 * 1_024 * 1_024;

/** Between two tries of getting the lock, in milliseconds, at random up to a limit that doubles. */
const pauseMs = { least: 1, most: 8 };
/** Of so many tries one looks whether who has it lives, which costs more than to try. */
const looksEvery = 8;

/** The lock may be old when its writer stood still: then nothing is written any more, or two would write. */
const heldMsMax = 5_000;

export interface LogWriterTerms {
  /** The folder of segments. */
  readonly log: string;
  /** The file that who writes has claimed. */
  readonly lock: string;
  readonly claimant: Claimant;
  readonly segmentBytes: number;
  /** The most that all segments have together. */
  readonly logBytes: number;
  /** A receipt waits until the disk has it. */
  readonly synced: boolean;
  readonly waitMs: number;
  readonly env: Env;
  /** Where a log begins that has no segment: behind all that was ever in it. */
  begin(): Promise<number>;
  /** Removes the segments that nobody needs; resolves with those that are left. */
  retire(segments: readonly Segment[]): Promise<readonly Segment[]>;
  /** The end of a line was missing, and was marked. */
  torn(path: string): void;
}

interface Waiting {
  readonly line: Buffer;
  settle(outcome: number | TrunklineError): void;
}

/** The segment that is written to, open. */
interface Head {
  readonly segment: Segment;
  readonly file: FileHandle;
  readonly size: number;
}

/** How the segment was left; who finds it so need not look at its end. */
type Left = Pick<Stats, "ino" | "dev" | "size">;

/**
 * Writes lines to the end of a log, which many processes do: each opens it when it has the lock, and closes it before it lets go, which is what makes
 * the bytes of one seen by the next on file systems of a network too. What is published while one batch is written goes together in the next.
 */
export class LogWriter {
  readonly #terms: LogWriterTerms;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #left: Left | undefined;
  #running: Promise<void> | undefined;

  constructor(terms: LogWriterTerms) {
    this.#terms = terms;
  }

  /** Where the line stands; or why it does not. Lines are written in the order of the calls. */
  append(line: Buffer): Promise<number | TrunklineError> {
    return new Promise((settle) => {
      this.#waiting.push({ line, settle });
      this.#bytes += line.length;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#bytes > waitingBytesMax) await this.#running;
  }

  /** Nothing waits to be written. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What is published in one turn goes together.
    await new Promise<void>((resolve) => this.#terms.env.defer(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#next();
      await this.#write(batch);
      for (const { line } of batch) this.#bytes -= line.length;
    }
    // In the same turn as the last look at what waits: what comes later begins anew.
    this.#running = undefined;
  }

  #next(): readonly Waiting[] {
    let [count, bytes] = [0, 0];
    for (const { line } of this.#waiting) {
      if (count > 0 && bytes + line.length > batchBytesMax) break;
      count++;
      bytes += line.length;
    }
    return this.#waiting.splice(0, count);
  }

  /** Settles all of them. Never rejects. */
  async #write(batch: readonly Waiting[]): Promise<void> {
    const { log, lock, claimant, env } = this.#terms;
    let executed: Executed = "no";
    try {
      await this.#lock();
      const since = env.now();
      try {
        const head = await this.#head(batch);
        try {
          // The lock of a process that stood still may be another's by now.
          if (env.now() - since > heldMsMax && !(await claimant.has(lock))) throw this.#tooLate();
          executed = "maybe";
          await this.#append(head, batch);
        } finally {
          await head.file.close();
        }
      } finally {
        await claimant.release(lock);
      }
    } catch (error) {
      // What is settled already stays so.
      const told = fileError(error, log, executed);
      for (const { settle } of batch) settle(told);
    }
  }

  async #lock(): Promise<void> {
    const { lock, claimant, waitMs, env } = this.#terms;
    const until = env.now() + waitMs;
    for (let tries = 0; ; tries++) {
      const looks = tries % looksEvery === 0;
      if (await (looks ? claimant.claim(lock, "held") : claimant.take(lock))) return;
      if (env.now() >= until)
        throw systemError("UNAVAILABLE", `others held the lock of the log for ${waitMs} ms`, {
          executed: "no",
          endpoint: lock,
          retryAfterMs: waitMs,
          advice:
            "the file of the lock tells by its pid who has it: does that process stand still?",
        });
      const most = Math.min(pauseMs.least * 2 ** Math.min(tries, looksEvery), pauseMs.most);
      await sleep(env, most * env.random());
    }
  }

  #tooLate(): TrunklineError {
    const reason = "this process stood still with the lock of the log, and another took it";
    return systemError("UNAVAILABLE", reason, { executed: "no", retryAfterMs: 0 });
  }

  /** The last segment, with its end in order; or a new one, where that is full. */
  async #head(batch: readonly Waiting[]): Promise<Head> {
    const { log, segmentBytes, logBytes, begin, retire } = this.#terms;
    let segments = await segmentsOf(log);
    const last = segments.at(-1) ?? segmentAt(log, await begin());
    const head = await this.#open(last);
    try {
      const bytes = batch.reduce((sum, { line }) => sum + line.length, 0);
      const end = last.start + head.size;
      const full = (): boolean => end + bytes - (segments[0]?.start ?? end) > logBytes;
      const turns = head.size >= segmentBytes;
      if (turns || full()) segments = await retire(segments);
      if (full()) throw this.#full();
      if (!turns) return head;
      await head.file.close();
      return await this.#open(segmentAt(log, end));
    } catch (error) {
      await head.file.close().catch(() => {});
      throw error;
    }
  }

  async #open(segment: Segment): Promise<Head> {
    const { O_RDWR, O_APPEND, O_CREAT } = constants;
    const [file, stats] = await openFile(segment.path, O_RDWR | O_APPEND | O_CREAT);
    try {
      const { size } = stats;
      // The name of a new file is in its folder, which has to be on the disk too.
      if (size === 0 && this.#terms.synced) await syncFolder(this.#terms.log);
      const left = this.#left;
      const known = left?.ino === stats.ino && left.dev === stats.dev && left.size === size;
      if (size === 0 || known || (await endsWell(file, size))) return { segment, file, size };
      // Who wrote the last line died in it: readers are told that no line of ours begins here.
      await writeAll(file, Buffer.from(tornMark));
      this.#terms.torn(segment.path);
      return { segment, file, size: size + tornMark.length };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #append({ segment, file, size }: Head, batch: readonly Waiting[]): Promise<void> {
    const { synced } = this.#terms;
    const bytes =
      batch.length === 1 ? batch[0]!.line : Buffer.concat(batch.map(({ line }) => line));
    let failure: unknown;
    try {
      await writeAll(file, bytes);
    } catch (error) {
      failure = error;
    }
    const stats = await file.stat();
    let end = size;
    const written = batch.filter(({ line }) => (end += line.length) <= stats.size);
    if (failure !== undefined) {
      // Readers may have seen the whole lines of it, and no others: these stay, the torn one goes.
      const whole = written.reduce((sum, { line }) => sum + line.length, size);
      if (stats.size > whole) await file.truncate(whole).catch(() => {});
      const told = fileError(failure, segment.path, "no");
      for (const { settle } of batch.slice(written.length)) settle(told);
    } else this.#left = { ino: stats.ino, dev: stats.dev, size: stats.size };
    try {
      if (synced && written.length > 0) await file.datasync();
    } catch (error) {
      const told = fileError(error, segment.path, "maybe");
      for (const { settle } of written) settle(told);
      return;
    }
    let at = segment.start + size;
    for (const { line, settle } of written) {
      settle(at);
      at += line.length;
    }
  }

  #full(): TrunklineError {
    const { log, logBytes } = this.#terms;
    return systemError("RESOURCE_EXHAUSTED", `the log has the ${logBytes} bytes that it may have`, {
      executed: "no",
      endpoint: log,
      advice:
        "let its slowest group catch up (trunkline lag), remove the folder of a group that is no more, or write ?logBytes=… into the address",
    });
  }
}

async function endsWell(file: FileHandle, size: number): Promise<boolean> {
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] === newline;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.datasync();
  } finally {
    await folder.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}
