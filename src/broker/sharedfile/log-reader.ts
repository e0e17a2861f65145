import { constants, type Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";

import type { Env } from "../../base/env.ts";
import { codeOf } from "./failure.ts";
import { isTorn, newline, readLine, type Line } from "./line.ts";
import { openFile } from "./place.ts";
import { segmentOf, segmentsOf, type Segment } from "./segments.ts";

/** Where the next line begins, and the bytes before it as they were read: what tells that somebody has changed the file. */
export interface Bookmark {
  readonly position: number;
  /** At most `beforeBytes` of them, latin1. Empty: nothing is known of them. */
  readonly before: string;
}

/** With the checksum of the line in them. */
const beforeBytes = 20;

/** What stands in a log: a message, or something that is none. */
export interface Entry {
  readonly position: number;
  readonly next: Bookmark;
  readonly line: Line | undefined;
  /** Why it is no message: then `data` is what there is instead, if anything. */
  readonly malformed: string | undefined;
  readonly data: Buffer;
}

/** Read at once, unless one line is larger. */
const chunkBytes = 256 * 1_024;
/** The longest line that can be ours; more of what has no end is passed over. */
export const lineBytesMax: number = 8 * 1_024 * 1_024;

/** What a file system of a network shows may be late, and whole later: what is no line is looked at again for so long, in milliseconds. */
const graceMs = 1_000;

/**
 * Reads a log from a place on, line after line, while others write to it. Nothing of a line is taken before its end is there, and nothing is kept of one
 * that has none: it is read again. What stands before the place is compared each time.
 */
export class LogReader {
  readonly #log: string;
  readonly #env: Env;
  #place: Bookmark;
  #bad: { readonly position: number; readonly since: number } | undefined;
  /** Beginnings of lines that were passed over, whose writers had died. */
  torn = 0;

  constructor(log: string, place: Bookmark, env: Env) {
    this.#log = log;
    this.#place = place;
    this.#env = env;
  }

  get place(): Bookmark {
    return this.#place;
  }

  /** What stands behind the place, a chunk of it at most; the place goes on behind that. Empty: there is nothing for now. */
  async read(): Promise<readonly Entry[]> {
    for (;;) {
      const segments = await segmentsOf(this.#log);
      if (segments.length === 0) return [];
      const { position } = this.#place;
      const at = segmentOf(segments, position);
      if (at === undefined) return [this.#gap(segments[0]!.start, position)];
      const read = await this.#readFrom(segments[at]!, segments[at + 1]);
      if (read !== "next") return read;
    }
  }

  async #readFrom(
    segment: Segment,
    following: Segment | undefined,
  ): Promise<readonly Entry[] | "next"> {
    let file: FileHandle;
    let stats: Stats;
    try {
      [file, stats] = await openFile(segment.path, constants.O_RDONLY);
    } catch (error) {
      // It was retired since its folder was read.
      if (codeOf(error) === "ENOENT") return following === undefined ? [] : "next";
      throw error;
    }
    try {
      const { position } = this.#place;
      const end = segment.start + stats.size;
      if (position > end) return [this.#gap(end, position)];
      if (position < end) return await this.#readLines(file, segment, end);
      if (following === undefined || following.start === position) {
        if (following === undefined) return [];
        this.#place = { position, before: "" };
        return "next";
      }
      // Its last lines may have come between the two looks.
      const { size } = await file.stat();
      return segment.start + size > end ? "next" : [this.#gap(following.start, position)];
    } finally {
      await file.close();
    }
  }

  async #readLines(file: FileHandle, { start }: Segment, end: number): Promise<readonly Entry[]> {
    const { position, before } = this.#place;
    const from = Math.max(start, position - beforeBytes);
    for (let size = chunkBytes; ; size *= 4) {
      const bytes = Buffer.allocUnsafe(Math.min(size, end - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from - start);
      const got = bytes.subarray(0, bytesRead);
      if (before !== "" && from < position && got.toString("latin1", 0, position - from) !== before)
        return [this.#changed(start)];
      const entries = this.#entriesIn(got, position - from, from);
      if (entries.length > 0 || bytesRead < size) return entries;
      if (size > lineBytesMax) return [this.#endless(got, from)];
    }
  }

  /** The lines that have their ends in what was read. */
  #entriesIn(bytes: Buffer, first: number, from: number): readonly Entry[] {
    const entries: Entry[] = [];
    for (let at = first; ;) {
      const end = bytes.indexOf(newline, at) + 1;
      if (end === 0) return entries;
      const text = bytes.subarray(at, end);
      const before = bytes.toString("latin1", Math.max(0, end - beforeBytes), end);
      const next = { position: from + end, before };
      const line = isTorn(text) ? undefined : readLine(text);
      if (typeof line === "string" && this.#mayMend(from + at)) return entries;
      this.#place = next;
      if (line === undefined) this.torn++;
      else
        entries.push({
          position: from + at,
          next,
          line: typeof line === "string" ? undefined : line,
          malformed: typeof line === "string" ? line : undefined,
          data: typeof line === "string" ? Buffer.from(text) : nothing,
        });
      at = end;
    }
  }

  #mayMend(position: number): boolean {
    const now = this.#env.now();
    if (this.#bad?.position !== position) this.#bad = { position, since: now };
    return now - this.#bad.since < graceMs;
  }

  /** What nobody can have written as a line. */
  #endless(bytes: Buffer, from: number): Entry {
    const position = from + bytes.length;
    return this.#told(position, "it has no end", Buffer.from(bytes.subarray(0, chunkBytes)));
  }

  /** It goes on elsewhere, and what is between is not there. */
  #gap(position: number, expected: number): Entry {
    const what =
      position < expected
        ? `the log ends at ${position}, and was read to ${expected} before: somebody has cut it off`
        : `the log goes on at ${position}: what stood from ${expected} on is gone`;
    return this.#told(position, what, nothing);
  }

  /** Nobody can say what of this segment was read: it is read again. */
  #changed(start: number): Entry {
    const { position } = this.#place;
    const what = `what stands before ${position} is not what was read: somebody has changed the file, which is read again`;
    return this.#told(start, what, nothing);
  }

  /** It has the place of the byte before what follows, where no line can begin. */
  #told(position: number, malformed: string, data: Buffer): Entry {
    this.#place = { position, before: "" };
    return { position: position - 1, next: this.#place, line: undefined, malformed, data };
  }
}

const nothing = Buffer.alloc(0);
