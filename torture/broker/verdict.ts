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
  /** Messages whose publisher was told that they may be there, or are not. */
  readonly maybe: number;
  readonly refused: number;
}

/** Judges by the lines of all logs, in any order. */
export function verdictOf(lines: readonly Line[]): Verdict {
  const sorted = lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const confirmed = new Set<string>();
  const seen = new Set<string>();
  const done = new Set<string>();
  const latest = new Map<string, number>();
  const doubled: string[] = [];
  const reordered: string[] = [];
  let [hung, repeated, maybe, refused] = [0, 0, 0, 0];
  for (const { what, rest } of sorted) {
    const [id = "", , executed] = rest;
    if (what === "confirmed") confirmed.add(id);
    else if (what === "done") done.add(id);
    else if (what === "hung") hung++;
    else if (what === "failed") {
      if (executed === "no") refused++;
      else maybe++;
    } else if (what === "seen") {
      if (done.has(id)) doubled.push(id);
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
  return { confirmed: confirmed.size, lost, doubled, reordered, hung, repeated, maybe, refused };
}
