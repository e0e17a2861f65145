import { goal, type Goal } from "../report.ts";
import { usualDepth, type Row } from "./side-by-side.ts";

/** Of one `fdatasync` of this disk after 4 KiB were added to a file, in microseconds. */
export interface Sync {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** How many times as many a second as each other broker, with the same client, depth and consumer; beside NATS with the raw one. */
export function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const theirs of rows) {
    const ours = rows.find(
      (row) =>
        row.peer === "trunkline" &&
        row.client === (theirs.client === "nats" ? "raw" : theirs.client) &&
        row.inFlight === theirs.inFlight &&
        row.consumes === theirs.consumes,
    );
    const [mine, other] = [ours?.perSecond?.median, theirs.perSecond?.median];
    if (theirs.peer === "trunkline" || mine === undefined || other === undefined) continue;
    const what = `${theirs.client}, ${theirs.inFlight} in flight${theirs.consumes ? ", consumed" : ""}`;
    ratios[`trunkline / ${theirs.peer}, ${what}`] = Number((mine / other).toPrecision(3));
  }
  return ratios;
}

export function goalsOf(rows: readonly Row[], sync: Sync): Goal[] {
  const ours = rawRows(rows, "trunkline", usualDepth, true);
  const alone = rawRows(rows, "trunkline", 1, false);
  const bound = Math.min(
    ...limitOf(rows, "classic", 4),
    ...limitOf(rows, "quorum", 15),
    ...limitOf(rows, "nobody", 0.8),
  );
  const what = `${usualDepth} in flight, consumed`;
  return [
    ...ours.flatMap(({ perSecond }) =>
      perSecond === null || bound === Infinity
        ? []
        : [goal(`confirmed/s over AMQP, ${what}`, perSecond.median, "≥", Math.round(bound), "")],
    ),
    ...ours.flatMap(({ p99Us }) =>
      p99Us === null
        ? []
        : [goal(`p99 of a confirm, ${what}`, p99Us.median / 1_000, "≤", 10, " ms")],
    ),
    ...alone.flatMap(({ p50Us }) =>
      p50Us === null
        ? []
        : [goal("p50 of a confirm alone, in fdatasyncs", p50Us.median / sync.p50Us, "≤", 2, "×")],
    ),
  ];
}

/** So many times what the fastest of these does; nothing where none was measured. */
function limitOf(rows: readonly Row[], kind: string, times: number): number[] {
  const rates = rawRows(rows, kind, usualDepth, true).flatMap(({ perSecond }) =>
    perSecond === null ? [] : [perSecond.median],
  );
  return rates.length === 0 ? [] : [times * Math.max(...rates)];
}

function rawRows(
  rows: readonly Row[],
  kind: string,
  inFlight: number,
  consumes: boolean,
): readonly Row[] {
  return rows.filter(
    (row) =>
      row.peer.includes(kind) &&
      row.client === "raw" &&
      row.inFlight === inFlight &&
      row.consumes === consumes,
  );
}
