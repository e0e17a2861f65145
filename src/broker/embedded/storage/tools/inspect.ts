import type { DatabaseSync } from "node:sqlite";
import type { Definition, Json } from "../../storage.ts";
import { Doomed } from "../doomed.ts";
import { Reader } from "../reader.ts";
import { pragma } from "../schema.ts";
import { looking } from "./looking.ts";

/** What is in a storage, as its counters say: they are not compared with the messages. */
export interface Inspection {
  readonly path: string;
  /** Of the tables. */
  readonly form: number;
  readonly bytes: number;
  /** Of `bytes`: what nobody uses. */
  readonly freeBytes: number;
  readonly definitions: readonly Definition[];
  readonly lanes: readonly InspectedLane[];
  /** Marks of messages that would be known again. */
  readonly marks: number;
}

export interface InspectedLane {
  readonly lane: number;
  readonly next: number;
  readonly count: number;
  readonly held: number;
  readonly bytes: number;
  readonly compact: boolean;
  /** When its first message came, in milliseconds since 1970. Undefined: it has none. */
  readonly oldestAt: number | undefined;
}

/** Tells what is in a storage. @throws TrunklineError UNAVAILABLE while a broker has it open. */
export async function inspect(folder: string): Promise<Inspection> {
  return looking(folder, (db, path) => {
    const page = pragma(db, "page_size");
    const marks = db.prepare("SELECT total(length(marks)) / 8 AS marks FROM remembered").get();
    return {
      path,
      form: pragma(db, "user_version"),
      bytes: page * pragma(db, "page_count"),
      freeBytes: page * pragma(db, "freelist_count"),
      definitions: definitionsOf(db),
      lanes: lanesOf(db),
      marks: Number(marks?.["marks"]),
    };
  });
}

/** All definitions, by kind and name. */
export function definitionsOf(db: DatabaseSync): Definition[] {
  const rows = db.prepare("SELECT kind, name, value FROM definition ORDER BY kind, name").all();
  return rows.map(({ kind, name, value }) => {
    return { kind: String(kind), name: String(name), value: JSON.parse(String(value)) as Json };
  });
}

function lanesOf(db: DatabaseSync): InspectedLane[] {
  const reader = new Reader(db, new Doomed(db));
  const rows = db.prepare("SELECT * FROM lane ORDER BY lane").all();
  return rows.map((row) => {
    const lane = Number(row["lane"]);
    return {
      lane,
      next: Number(row["next"]),
      count: Number(row["count"]),
      held: Number(row["held"]),
      bytes: Number(row["bytes"]),
      compact: row["compact"] === 1,
      oldestAt: reader.first(lane, 0)?.at,
    };
  });
}
