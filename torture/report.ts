/** What came of it. */
export interface TortureReport {
  readonly ok: boolean;
  readonly kills: number;
  /** Confirmed, or committed, and never seen again. */
  readonly lost: number;
  /** Seen again after they were done for good; effects that are there twice, or of what was never committed. */
  readonly doubled: number;
  /** Seen for the first time after a later one of their key. */
  readonly reordered: number;
  /** Still waiting at the end, although there was somebody to take them. */
  readonly stuck: number;
  /** What was asked of the broker or the database, and got neither an answer nor an error in its time. */
  readonly hung: number;
  /** The same of each part by itself, where there are several. */
  readonly parts?: Readonly<Record<string, Omit<TortureReport, "told">>>;
  /** The same for people, and more. */
  readonly told: readonly string[];
}

export const noReport: TortureReport = {
  ...{ ok: true, kills: 0, lost: 0, doubled: 0, reordered: 0, stuck: 0, hung: 0 },
  told: [],
};

/** What went wrong, in a line. */
export function talliesOf(report: Omit<TortureReport, "told">): string {
  return (["lost", "doubled", "reordered", "stuck", "hung"] as const)
    .map((each) => `${report[each]} ${each}`)
    .join(", ");
}

/** Several that belong together, by name. */
export function sumOf(reports: Readonly<Record<string, TortureReport>>): TortureReport {
  let sum = noReport;
  const parts: Record<string, Omit<TortureReport, "told">> = {};
  for (const [name, report] of Object.entries(reports)) {
    const { told, ...part } = report;
    parts[name] = part;
    sum = {
      ok: sum.ok && report.ok,
      kills: sum.kills + report.kills,
      lost: sum.lost + report.lost,
      doubled: sum.doubled + report.doubled,
      reordered: sum.reordered + report.reordered,
      stuck: sum.stuck + report.stuck,
      hung: sum.hung + report.hung,
      told: [...sum.told, ...told.map((line) => `${name}: ${line}`)],
    };
  }
  return { ...sum, parts };
}
