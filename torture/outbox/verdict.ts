import type { Line } from "../log.ts";

/** A message that stands in the table of its publisher: its transaction was committed. */
export interface Sent {
  readonly id: string;
  readonly key: string;
  /** Its number of those of its key, in the order of the commits. */
  readonly n: number;
  /** Whoever handles it publishes a message in turn. */
  readonly follow: boolean;
}

/** What a handler wrote in the transaction of its message. In the order in which it was written. */
export interface Effect {
  readonly kind: string;
  readonly id: string;
}

export interface Verdict {
  /** Transactions that were committed for certain. */
  readonly committed: number;
  /** Messages that should have had an effect, and had none; transactions that were said to be committed, and are not there. */
  readonly lost: readonly string[];
  /** Effects that are there twice, or of what was never sent; transactions that were said not to be there, and are. */
  readonly doubled: readonly string[];
  /** Effects that came after those of a later message of their key. */
  readonly reordered: readonly string[];
  readonly hung: number;
  /** What went wrong in the processes that nobody foresaw. */
  readonly failed: readonly string[];
}

/** Names an effect: `placed w.1.2`. */
const nameOf = (kind: string, id: string): string => `${kind} ${id}`;

/** The id of the message that follows another. */
export const followerOf = (id: string): string => `${id}.f`;

/** Judges by the tables of the database, and by the logs of who wrote there. */
export function verdictOf(
  sent: readonly Sent[],
  effects: readonly Effect[],
  lines: readonly Line[],
): Verdict {
  const expected = new Map<string, Sent>();
  for (const each of sent) {
    expected.set(nameOf(each.key === "" ? "noted" : "placed", each.id), each);
    if (each.follow) expected.set(nameOf("followed", followerOf(each.id)), each);
  }
  const seen = new Set<string>();
  const latest = new Map<string, number>();
  const doubled: string[] = [];
  const reordered: string[] = [];
  for (const { kind, id } of effects) {
    const name = nameOf(kind, id);
    const of = expected.get(name);
    if (of === undefined || seen.has(name)) {
      doubled.push(name);
      continue;
    }
    seen.add(name);
    if (of.key === "") continue;
    const place = `${kind} ${of.key}`;
    const before = latest.get(place) ?? 0;
    if (before > of.n) reordered.push(name);
    latest.set(place, Math.max(before, of.n));
  }
  const lost = [...expected.keys()].filter((name) => !seen.has(name));
  const kept = toldAndKept(sent, lines);
  return {
    committed: kept.committed,
    lost: [...lost, ...kept.lost],
    doubled: [...doubled, ...kept.doubled],
    reordered,
    hung: lines.filter(({ what }) => what === "hung").length,
    failed: lines.filter(({ what }) => what === "failed").map(({ rest }) => rest.join(" ")),
  };
}

/** Whether what writers were told of their transactions is what is there. */
function toldAndKept(
  sent: readonly Sent[],
  lines: readonly Line[],
): { readonly committed: number; readonly lost: string[]; readonly doubled: string[] } {
  const written = new Map<string, number>();
  for (const { id } of sent) {
    const deed = id.slice(0, id.lastIndexOf("."));
    written.set(deed, (written.get(deed) ?? 0) + 1);
  }
  const lost: string[] = [];
  const doubled: string[] = [];
  let committed = 0;
  for (const { what, rest } of lines) {
    const [deed = "", count] = rest;
    const there = written.get(deed) ?? 0;
    if (what === "did") committed++;
    if (what === "did" && there !== Number(count)) lost.push(`transaction ${deed}`);
    if (what === "undid" && there > 0) doubled.push(`transaction ${deed}`);
  }
  return { committed, lost, doubled };
}
