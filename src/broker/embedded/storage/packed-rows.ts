import type { Row } from "../storage.ts";
import { readMessage } from "./head.ts";
import { flag } from "./noted.ts";
import { packedLength, type PackedRows } from "./reader.ts";

/** Unpacks rows. Each gets memory of its own: one that stays long keeps none of the others. */
export function unpack({ lane, numbers, bytes }: PackedRows): Row[] {
  const rows: Row[] = [];
  const packed = Buffer.from(bytes.buffer);
  let end = 0;
  for (let at = 0; at < numbers.length; at += packedLength) {
    const flags = numbers[at + 1] ?? 0;
    const dueAt = numbers[at + 4] ?? Number.NaN;
    const headLength = numbers[at + 5] ?? 0;
    const own = Buffer.from(packed.subarray(end, (end += headLength + (numbers[at + 6] ?? 0))));
    const persistent = (flags & flag.persistent) !== 0;
    rows.push({
      lane,
      seq: numbers[at] ?? 0,
      message: readMessage(own.subarray(0, headLength), own.subarray(headLength), persistent),
      attempts: numbers[at + 2] ?? 0,
      enqueuedAt: numbers[at + 3] ?? 0,
      dueAt: Number.isNaN(dueAt) ? undefined : dueAt,
      held: (flags & flag.held) !== 0,
      transient: (flags & flag.transient) !== 0,
    });
  }
  return rows;
}
