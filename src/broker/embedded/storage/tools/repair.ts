import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemError } from "../../../../base/error.ts";
import { laneMax, type Json, type Row } from "../../storage.ts";
import { Doomed } from "../doomed.ts";
import { errorOf, failureOf } from "../failure.ts";
import { unpack } from "../packed-rows.ts";
import { findPlace, syncFolder } from "../place.ts";
import { Reader } from "../reader.ts";
import { seqMask } from "../schema.ts";
import type { Progress } from "./looking.ts";
import { NewFile } from "./new-file.ts";

/** What could be read of a damaged file, and where it is now. */
export interface Repair {
  readonly messages: number;
  readonly definitions: number;
  /** How many messages the counters spoke of that could not be read. Undefined: the counters cannot be read. */
  readonly lost: number | undefined;
  /** One sentence for each place that could not be read. */
  readonly problems: readonly string[];
  /** The damaged file, as it was. */
  readonly damaged: string;
}

const problemsMax = 100;
/** Messages between two tellings of how far it is. */
const tellEvery = 1_000;
/**
 * Makes a new file of all that can be read of a damaged one, and keeps that beside it, as `….damaged-1` or with the next number that is free.
 * What cannot be read is lost: it is done only when `acceptLoss` says so.
 * @throws TrunklineError INVALID_ARGUMENT when it does not; UNAVAILABLE while a broker has it open.
 */
export async function repair(
  folder: string,
  acceptLoss: boolean,
  progress: Progress = () => {},
): Promise<Repair> {
  const path = await findPlace(folder);
  if (!acceptLoss)
    throw systemError("INVALID_ARGUMENT", `What cannot be read of ${path} would be lost.`, {
      executed: "no",
      advice:
        "Make a copy, and say that you accept that: `trunkline broker repair FOLDER --accept-loss`.",
    });
  const unfinished = `${path}.repair`;
  await rm(unfinished, { force: true });
  const file = new NewFile(unfinished);
  try {
    const salvage = new Salvage(path, file, progress);
    const told = salvage.all();
    file.close();
    const damaged = freeName(path);
    for (const end of ["-wal", ""])
      if (existsSync(`${path}${end}`)) await rename(`${path}${end}`, `${damaged}${end}`);
    await rm(`${path}-shm`, { force: true });
    await rename(unfinished, path);
    await syncFolder(dirname(path));
    return { ...told, damaged };
  } catch (error) {
    file.abandon();
    await rm(unfinished, { force: true });
    throw errorOf(failureOf(error, path), "no");
  }
}

/** Reads what can be read, and goes on behind what cannot. */
class Salvage {
  readonly #db: DatabaseSync;
  readonly #file: NewFile;
  readonly #progress: Progress;
  readonly #problems: string[] = [];
  #expected: number | undefined = 0;
  #definitions = 0;

  constructor(path: string, file: NewFile, progress: Progress) {
    this.#db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    this.#file = file;
    this.#progress = progress;
    // A damaged index must not lead astray.
    this.#db.exec("PRAGMA cell_size_check=ON");
  }

  all(): Omit<Repair, "damaged"> {
    const db = this.#db;
    this.#each("the definitions", "SELECT kind, name, value FROM definition", (row) => {
      const value = JSON.parse(String(row["value"])) as Json;
      this.#file.define({ kind: String(row["kind"]), name: String(row["name"]), value });
      this.#definitions++;
    });
    const lanes = new Set<number>();
    const counted = this.#each("the counters", "SELECT * FROM lane", (row) => {
      const [lane, next] = [Number(row["lane"]), Number(row["next"])];
      const compact = row["compact"] === 1;
      this.#file.lane({ lane, next, delivered: Number(row["delivered"]), compact });
      lanes.add(lane);
      if (this.#expected !== undefined) this.#expected += Number(row["count"]);
    });
    if (!counted) this.#expected = undefined;
    this.#each("the marks", "SELECT at, marks FROM remembered ORDER BY id", (row) => {
      const halves = new Uint32Array((row["marks"] as Uint8Array).slice().buffer);
      this.#file.remember(Number(row["at"]), [...halves]);
    });
    this.#messages(counted ? lanes : undefined);
    db.close();
    const { messages } = this.#file;
    const lost = this.#expected === undefined ? undefined : Math.max(0, this.#expected - messages);
    const problems = this.#problems.slice(0, problemsMax);
    return { messages, definitions: this.#definitions, lost, problems };
  }

  /** Without counters every lane is looked for, the one after the other. */
  #messages(lanes: ReadonlySet<number> | undefined): void {
    const reader = new Reader(
      this.#db,
      this.#attempt("what was purged", () => new Doomed(this.#db)),
    );
    for (const lane of lanes ?? this.#lanesThere()) this.#lane(reader, lane);
    const { messages } = this.#file;
    this.#progress(messages, messages, "done");
  }

  *#lanesThere(): Generator<number> {
    const next = this.#db.prepare(
      "SELECT id >> 43 AS lane FROM message WHERE id >= (? << 43) ORDER BY id LIMIT 1",
    );
    for (let lane = 0; lane <= laneMax;) {
      const row = this.#attempt(`lane ${lane} and the next ones`, () => next.get(lane));
      if (row === undefined) return;
      lane = Number(row["lane"]);
      yield lane++;
    }
  }

  #lane(reader: Reader, lane: number): void {
    const readAt = (seq: number): readonly Row[] => unpack(reader.read(lane, seq, 1, 1, true));
    for (let from = 0; from <= seqMask;) {
      const rows = this.#attempt(`lane ${lane} from ${from} on`, () => readAt(from));
      if (rows === undefined) {
        from = nextReadable(from, readAt);
        continue;
      }
      const [row] = rows;
      if (row === undefined) return;
      if (!row.transient) this.#file.insert(row);
      from = row.seq + 1;
      if (this.#file.messages % tellEvery === 0)
        this.#progress(this.#file.messages, this.#expected ?? Infinity, "messages");
    }
  }

  #each(what: string, query: string, take: (row: Record<string, unknown>) => void): boolean {
    const done = this.#attempt(what, () => {
      for (const row of this.#db.prepare(query).iterate()) take(row);
      return true;
    });
    return done === true;
  }

  #attempt<T>(what: string, attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.#problems.length < problemsMax)
        this.#problems.push(`Of ${what} not all can be read: ${text}.`);
      return undefined;
    }
  }
}

/** The first place behind one that cannot be read from where it can be: looked for ever further ahead, and then back by halves. */
function nextReadable(unreadable: number, readAt: (seq: number) => unknown): number {
  const readable = (seq: number): boolean => {
    try {
      readAt(seq);
      return true;
    } catch {
      return false;
    }
  };
  let low = unreadable;
  let step = 1;
  while (low + step <= seqMask && !readable(low + step)) {
    low += step;
    step *= 2;
  }
  let high = low + step;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (readable(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function freeName(path: string): string {
  let number = 1;
  while (existsSync(`${path}.damaged-${number}`)) number++;
  return `${path}.damaged-${number}`;
}
