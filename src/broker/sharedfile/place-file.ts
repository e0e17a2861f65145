import { constants } from "node:fs";
import { readdir, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { crcOf } from "./line.ts";
import type { Bookmark } from "./log-reader.ts";
import { logNameOf } from "./names.ts";
import { openFile, textAt, unless } from "./place.ts";

/** How far a group has come in one log. */
export interface GroupPlace {
  /** What stands before it was handed out. */
  readonly next: Bookmark;
  /** Of that, what is not done: its position, and how often it was handed out. */
  readonly open: readonly (readonly [position: number, times: number])[];
}

/** Where the group needs the log from. */
export function neededFrom({ next, open }: GroupPlace): number {
  return open.reduce((least, [position]) => Math.min(least, position), next.position);
}

interface Kept extends GroupPlace {
  readonly seq: number;
}

const generationDigits = 10;
/** Written over and over, so that a full disk keeps nobody from saying what is done. */
const bytesLeast = 4_096;

/**
 * Keeps the place of a group in one log: in two files that are written by turns, so that one of them is whole whenever its writer dies. Each owner of the
 * log has a pair of its own, by his generation: one that stood still, and does not know that he was put out, writes where nobody looks any more.
 */
export class PlaceFile {
  readonly generation: number;
  readonly #files: readonly [FileHandle, FileHandle];
  readonly #synced: boolean;
  #seq: number;
  readonly #bytes: [number, number] = [bytesLeast, bytesLeast];

  private constructor(
    generation: number,
    files: readonly [FileHandle, FileHandle],
    synced: boolean,
  ) {
    this.generation = generation;
    this.#files = files;
    this.#synced = synced;
    this.#seq = 0;
  }

  /** What is kept in the folder of a group; undefined: nothing. */
  static async read(
    folder: string,
    log: number,
  ): Promise<{ readonly generation: number; readonly place: GroupPlace } | undefined> {
    for (const { generation, names } of await generationsIn(folder, log)) {
      let best: Kept | undefined;
      for (const name of names) {
        const kept = keptIn((await textAt(join(folder, name))) ?? "");
        if (kept !== undefined && kept.seq > (best?.seq ?? -1)) best = kept;
      }
      if (best !== undefined) return { generation, place: best };
    }
    return undefined;
  }

  /** Begins the next generation with a place; those before are removed. */
  static async begin(
    folder: string,
    log: number,
    place: GroupPlace,
    synced: boolean,
  ): Promise<PlaceFile> {
    const before = await generationsIn(folder, log);
    const generation = (before[0]?.generation ?? 0) + 1;
    const names = ["a", "b"].map((side) => join(folder, nameOf(log, generation, side)));
    const { O_RDWR, O_CREAT, O_EXCL } = constants;
    const [one] = await openFile(names[0]!, O_RDWR | O_CREAT | O_EXCL);
    try {
      const [other] = await openFile(names[1]!, O_RDWR | O_CREAT | O_EXCL);
      const made = new PlaceFile(generation, [one, other], synced);
      await made.write(place);
      await made.write(place);
      for (const { names: old } of before)
        for (const name of old) await unlink(join(folder, name)).catch(unless("ENOENT"));
      return made;
    } catch (error) {
      await one.close().catch(() => {});
      throw error;
    }
  }

  async write({ next, open }: GroupPlace): Promise<void> {
    const seq = ++this.#seq;
    const side = (seq & 1) as 0 | 1;
    const body = `{"seq":${seq},"position":${next.position},"before":${JSON.stringify(next.before)},"open":${JSON.stringify(open)}`;
    const text = `${body},"_crc":"${crcOf(body)}"}`;
    const bytes = (this.#bytes[side] = Math.max(this.#bytes[side], Buffer.byteLength(text) + 1));
    const padded = Buffer.alloc(bytes, " ");
    padded.write(text);
    padded[bytes - 1] = 0x0a;
    const file = this.#files[side];
    for (let at = 0; at < bytes;) {
      const { bytesWritten } = await file.write(padded, at, bytes - at, at);
      at += bytesWritten;
    }
    if (this.#synced) await file.datasync();
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

function nameOf(log: number, generation: number, side: string): string {
  return `${logNameOf(log)}.${String(generation).padStart(generationDigits, "0")}.${side}.json`;
}

/** The newest first. */
async function generationsIn(
  folder: string,
  log: number,
): Promise<readonly { readonly generation: number; readonly names: readonly string[] }[]> {
  const found = new Map<number, string[]>();
  for (const name of await readdir(folder)) {
    const [, of, digits] = /^(\d{4,})\.(\d{10})\.[ab]\.json$/.exec(name) ?? [];
    if (of === undefined || Number(of) !== log) continue;
    found.set(Number(digits), [...(found.get(Number(digits)) ?? []), name]);
  }
  return [...found]
    .toSorted(([one], [other]) => other - one)
    .map(([generation, names]) => ({ generation, names }));
}

function keptIn(text: string): Kept | undefined {
  const whole = text.trimEnd();
  const at = whole.lastIndexOf(`,"_crc":"`);
  if (at < 0 || whole.slice(at) !== `,"_crc":"${crcOf(whole.slice(0, at))}"}`) return undefined;
  const { seq, position, before, open } = JSON.parse(whole) as Kept & Bookmark;
  return { seq, next: { position, before }, open };
}
