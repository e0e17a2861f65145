import { goal, type Goal } from "../report.ts";
import { spreadOf } from "../spread.ts";
import { usualDepth, type Row } from "./side-by-side.ts";

/** How many times as many a second as each other broker, round by round, with the same client, depth and consumer; beside NATS with the raw one. */
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
    if (theirs.peer === "trunkline" || ours === undefined) continue;
    const pairs = ours.rates.flatMap((rate, at) => {
      const other = theirs.rates[at] ?? 0;
      return other > 0 ? [rate / other] : [];
    });
    if (pairs.length === 0) continue;
    const what = `${theirs.client}, ${theirs.inFlight} in flight${theirs.consumes ? ", consumed" : ""}`;
    ratios[`trunkline / ${theirs.peer}, ${what}`] = Number(spreadOf(pairs).median.toPrecision(3));
  }
  return ratios;
}

export function goalsOf(rows: readonly Row[]): Goal[] {
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
    ...alone.flatMap(({ p50Syncs }) =>
      p50Syncs === null
        ? []
        : [goal("p50 of a confirm alone, in fdatasyncs", p50Syncs.median, "≤", 2, "×")],
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
