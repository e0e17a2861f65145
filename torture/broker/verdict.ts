import type { Line } from "../log.ts";

/** What the logs of all processes say together. */
export interface Verdict {
  readonly confirmed: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly reordered: readonly string[];
  readonly hung: number;
  /** Deliveries of what had been delivered before: not promised to be none. */
  readonly repeated: number;
  /** Deliveries of an owner that is gone, read by one that was slow when a later delivery of the same message was done: its ack is refused. */
  readonly stale: number;
  /** Messages whose publisher was told that they may be there, or are not. */
  readonly maybe: number;
  readonly refused: number;
}

/** Judges by the lines of all logs, in any order. */
export function verdictOf(lines: readonly Line[]): Verdict {
  const sorted = lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const confirmed = new Set<string>();
  const seen = new Set<string>();
  /** The attempt that was done for good. */
  const done = new Map<string, number>();
  const latest = new Map<string, number>();
  const doubled: string[] = [];
  const reordered: string[] = [];
  let [hung, repeated, stale, maybe, refused] = [0, 0, 0, 0, 0];
  for (const { what, rest } of sorted) {
    const [id = "", attempt, executed] = rest;
    if (what === "confirmed") confirmed.add(id);
    else if (what === "done") done.set(id, Number(attempt));
    else if (what === "hung") hung++;
    else if (what === "failed") {
      if (executed === "no") refused++;
      else maybe++;
    } else if (what === "seen") {
      const before = done.get(id);
      if (before !== undefined && Number(attempt) < before) stale++;
      else if (before !== undefined) doubled.push(id);
      if (seen.has(id)) {
        repeated++;
        continue;
      }
      seen.add(id);
      const [key = "", seq] = id.split("/");
      if ((latest.get(key) ?? 0) > Number(seq)) reordered.push(id);
      latest.set(key, Math.max(latest.get(key) ?? 0, Number(seq)));
    }
  }
  const lost = [...confirmed].filter((id) => !seen.has(id));
  return {
    ...{ confirmed: confirmed.size, lost, doubled, reordered },
    ...{ hung, repeated, stale, maybe, refused },
  };
}
