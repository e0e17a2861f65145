import type { DatabaseSync } from "node:sqlite";
import { isTrunklineError } from "../../../../base/error.ts";
import { isDoomed } from "../doomed.ts";
import { pragma } from "../schema.ts";
import { looking, type Progress } from "./looking.ts";

/** What a look at every page and every counter has shown. */
export interface Verification {
  /** One sentence for each thing that is not as it should be. Empty: it is sound. */
  readonly problems: readonly string[];
  readonly messages: number;
  /** Of the file. */
  readonly bytes: number;
}

/** So many sentences say enough. */
const problemsMax = 100;

/** Everything that is compared with everything else, each by a query that finds what does not fit. */
const comparisons: readonly (readonly [what: string, query: string])[] = [
  [
    "counters",
    `WITH there AS (SELECT id >> 43 AS lane, count(*) AS count, sum(size) AS bytes, sum((flags & 2) <> 0) AS held,
        max(id & 0x7ffffffffff) AS last FROM message WHERE NOT ${isDoomed} GROUP BY id >> 43)
     SELECT 'Lane ' || lane.lane || ' says that it has ' || lane.count || ' messages with ' || lane.bytes || ' bytes, '
         || lane.held || ' held, and has ' || ifnull(there.count, 0) || ' with ' || ifnull(there.bytes, 0) || ', '
         || ifnull(there.held, 0) || ' held.'
       FROM lane LEFT JOIN there ON there.lane = lane.lane
       WHERE lane.count <> ifnull(there.count, 0) OR lane.bytes <> ifnull(there.bytes, 0) OR lane.held <> ifnull(there.held, 0)
     UNION ALL SELECT 'Lane ' || there.lane || ' has ' || there.count || ' messages and no counters.'
       FROM there WHERE lane NOT IN (SELECT lane FROM lane)
     UNION ALL SELECT 'Lane ' || lane.lane || ' would give its number ' || lane.next || ' again: its last message has ' || there.last || '.'
       FROM lane JOIN there ON there.lane = lane.lane WHERE there.last >= lane.next`,
  ],
  [
    "large bodies",
    `SELECT 'A large body has no message: lane ' || (id >> 43) || ', ' || (id & 0x7ffffffffff) || '.'
       FROM chunk WHERE part = 0 AND id NOT IN (SELECT id FROM message WHERE message.id = chunk.id)
     UNION ALL SELECT 'A message has lost its large body: lane ' || (id >> 43) || ', ' || (id & 0x7ffffffffff) || '.'
       FROM message WHERE flags & 8 AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.id = message.id)`,
  ],
  [
    "newest of each key",
    `SELECT 'The newest message of a key is not there: lane ' || lane || ', ' || seq || '.' FROM latest
       WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.id = ((latest.lane << 43) | latest.seq))`,
  ],
  [
    "definitions",
    `SELECT 'The definition of ' || kind || ' ' || name || ' cannot be read.' FROM definition WHERE NOT json_valid(value)`,
  ],
];

/**
 * Reads all of a storage and compares it with itself; changes nothing. It takes as long as reading the file does.
 * @throws TrunklineError UNAVAILABLE while a broker has it open.
 */
export async function verify(folder: string, progress: Progress = () => {}): Promise<Verification> {
  try {
    return await looking(folder, (db) => verifyDatabase(db, progress));
  } catch (error) {
    if (!isTrunklineError(error) || error.code !== "DATA_LOSS") throw error;
    return { problems: [error.reason], messages: 0, bytes: 0 };
  }
}

function verifyDatabase(db: DatabaseSync, progress: Progress): Verification {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const steps = tables.length + comparisons.length;
  const problems: string[] = [];
  let done = 0;
  for (const { name } of tables) {
    progress(done++, steps, String(name));
    for (const row of db.prepare(`PRAGMA integrity_check('${String(name)}')`).all()) {
      const told = String(Object.values(row)[0]);
      if (told !== "ok") problems.push(`${String(name)}: ${told}`);
    }
  }
  // What is damaged cannot be compared: each row of it might be the next error.
  for (const [what, query] of problems.length > 0 ? [] : comparisons) {
    progress(done++, steps, what);
    for (const row of db.prepare(`${query} LIMIT ${problemsMax}`).all())
      problems.push(String(Object.values(row)[0]));
  }
  progress(steps, steps, "done");
  const counted =
    problems.length > 0 ? undefined : db.prepare("SELECT total(count) FROM lane").get();
  return {
    problems: problems.slice(0, problemsMax),
    messages: Number(Object.values(counted ?? { count: 0 })[0]),
    bytes: pragma(db, "page_count") * pragma(db, "page_size"),
  };
}
