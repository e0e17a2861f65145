import { once } from "node:events";
import type { DatabaseSync } from "node:sqlite";
import type { Writable } from "node:stream";
import { Doomed } from "../doomed.ts";
import { unpack } from "../packed-rows.ts";
import { Reader } from "../reader.ts";
import { seqMask } from "../schema.ts";
import { definitionsOf } from "./inspect.ts";
import { exportVersion, messageLine, type Line } from "./line.ts";
import { looking, type Progress } from "./looking.ts";

const rowsAtOnce = 256;
const bytesAtOnce = 1_048_576;

/**
 * Writes all that a storage has as lines of JSON, and leaves the stream open. Gives back how many messages there were.
 * @throws TrunklineError UNAVAILABLE while a broker has it open.
 */
export async function exportTo(
  folder: string,
  out: Writable,
  progress: Progress = () => {},
): Promise<number> {
  return looking(folder, async (db) => {
    const messages = Number(db.prepare("SELECT total(count) AS all_ FROM lane").get()?.["all_"]);
    let done = 0;
    for (const line of linesOf(db)) {
      if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, "drain");
      if (!("message" in line)) continue;
      if (done++ % rowsAtOnce === 0) progress(done, messages, "messages");
    }
    progress(messages, messages, "done");
    return done;
  });
}

function* linesOf(db: DatabaseSync): Generator<Line> {
  yield { trunkline: "broker", version: exportVersion };
  for (const definition of definitionsOf(db)) yield { definition };
  const lanes = db.prepare("SELECT lane, next, delivered, compact FROM lane ORDER BY lane").all();
  for (const { lane, next, delivered, compact } of lanes) {
    const numbers = { lane: Number(lane), next: Number(next), delivered: Number(delivered) };
    yield { lane: { ...numbers, compact: compact === 1 } };
  }
  for (const { at, marks } of db.prepare("SELECT at, marks FROM remembered ORDER BY id").all()) {
    const halves = new Uint32Array((marks as Uint8Array).slice().buffer);
    yield { remembered: { at: Number(at), marks: [...halves] } };
  }
  const reader = new Reader(db, new Doomed(db));
  for (const { lane } of lanes)
    for (const row of rowsOf(reader, Number(lane))) yield { message: messageLine(row) };
}

function* rowsOf(reader: Reader, lane: number): Generator<ReturnType<typeof unpack>[number]> {
  let from = 0;
  while (from <= seqMask) {
    const rows = unpack(reader.read(lane, from, rowsAtOnce, bytesAtOnce, true));
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const row of rows) if (!row.transient) yield row;
    from = last.seq + 1;
  }
}
