/**
 * Whether one side still understands the other: `ok`, `breaks`, or `unknown` where that cannot be told from the schemas.
 * `ok` is only said of what was shown to be so.
 */
export type Verdict = "ok" | "unknown" | "breaks";

/** One thing that has changed between two versions of a contract. */
export interface Finding {
  /** `place`; absent: it concerns the whole contract. */
  readonly operation?: string;
  /** Which part of it: `in.lines.*.count`, `error SOLD_OUT.sku`, `kind`. */
  readonly where: string;
  /** What has changed there, in words: `is required now`. */
  readonly change: string;
  /** A client (or producer) of the old version and a server (or consumer) of the new one. */
  readonly oldClientNewServer: Verdict;
  /** A client (or producer) of the new version and a server (or consumer) of the old one. */
  readonly newClientOldServer: Verdict;
}

/** One thing by which what the writer sends differs from what the reader takes. */
export interface Gap {
  /** Fields with dots between them, `*` for every item; empty: the value itself. */
  readonly path: string;
  readonly change: string;
  readonly verdict: Verdict;
}

const ranks: Readonly<Record<Verdict, number>> = { ok: 0, unknown: 1, breaks: 2 };

export function worse(one: Verdict, other: Verdict): Verdict {
  return ranks[one] >= ranks[other] ? one : other;
}

export function compatible(gaps: readonly Gap[]): boolean {
  return gaps.every(({ verdict }) => verdict === "ok");
}

/** Where nothing more is known of the writer than that it sends less than this: what would break only may. */
export function doubted(gaps: readonly Gap[]): Gap[] {
  return gaps.map((gap) => (gap.verdict === "breaks" ? { ...gap, verdict: "unknown" } : gap));
}
