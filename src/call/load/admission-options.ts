/** How much a chassis takes on at once, over all its addresses and operations. Everything has a default. */
export interface AdmissionOptions {
  /**
   * Calls and notifications under way, never more. Default 10,000. What holds now begins at 2,000, doubles as long as all is
   * well, and falls when the server is overloaded.
   */
  readonly limitMax?: number;
  /** The limit never falls below this. Default 16. */
  readonly limitMin?: number;
  /** Calls of one lane that may wait for others to end. Default 1,000. */
  readonly queueMax?: number;
  /** The longest that a call waits so, in milliseconds; 5 while the queue does not empty. Default 100. */
  readonly sojournMs?: number;
  /** An event loop that is later than this, in milliseconds and on average, lowers the limit. Default 100. */
  readonly lagMaxMs?: number;
  /** Streams, uploads and duplexes under way; they may last for hours, and stand outside of the limit. Default 10,000. */
  readonly lastingMax?: number;
  /**
   * Which part of both is kept for each swim lane, between 0 and 1, together at most 1: `{ live: 0.8, batch: 0.2 }`. Requests
   * without a lane are of the lane `main`. While the server is not full any lane may take more than its part; when it is
   * full a lane still gets its own, and lanes that are not named get nothing. Default: all lanes that are there have equal parts.
   */
  readonly lanes?: Readonly<Record<string, number>>;
  /**
   * Operations that are not like the others, by name (`orders.report`): `sheddable` ones find a limit that is a fifth lower and
   * never wait, so they are the first that are refused; `critical` ones find one that is a tenth higher. Default: all alike.
   */
  readonly priorities?: Readonly<Record<string, Priority>>;
}

export type Priority = "critical" | "normal" | "sheddable";

/** The options, defaults filled in. */
export type AdmissionBounds = Required<AdmissionOptions>;

export function admissionBounds(options: AdmissionOptions): AdmissionBounds {
  return {
    limitMax: options.limitMax ?? 10_000,
    limitMin: options.limitMin ?? Math.min(16, options.limitMax ?? 16),
    queueMax: options.queueMax ?? 1_000,
    sojournMs: options.sojournMs ?? 100,
    lagMaxMs: options.lagMaxMs ?? 100,
    lastingMax: options.lastingMax ?? 10_000,
    lanes: options.lanes ?? {},
    priorities: options.priorities ?? {},
  };
}

/** What is wrong with the options, in words for a person; `operations` are the names of all that is served. */
export function admissionProblems(
  options: AdmissionOptions,
  operations: ReadonlySet<string>,
): string[] {
  const { limitMax, limitMin, queueMax, sojournMs, lagMaxMs, lastingMax, lanes, priorities } =
    admissionBounds(options);
  const problems: string[] = [];
  const least = (name: string, value: number, bound: number): void => {
    if (value >= bound) return;
    problems.push(`admission.${name} is ${value}.\n     → ${bound} is the least that it can be`);
  };
  least("limitMax", limitMax, 1);
  least("limitMin", limitMin, 1);
  least("queueMax", queueMax, 0);
  least("sojournMs", sojournMs, 0);
  least("lagMaxMs", lagMaxMs, 1);
  least("lastingMax", lastingMax, 0);
  if (limitMin > limitMax)
    problems.push("admission.limitMin is above admission.limitMax.\n     → exchange the two");
  const parts = Object.values(lanes);
  const sum = parts.reduce((all, part) => all + part, 0);
  if (!parts.every((part) => part >= 0 && part <= 1) || sum > 1.000001)
    problems.push(
      `admission.lanes keep ${sum} of the limit.\n     → give each lane a part between 0 and 1, together at most 1`,
    );
  for (const operation of Object.keys(priorities)) {
    if (operations.has(operation)) continue;
    problems.push(
      `admission.priorities names ${operation}, which is not served.\n     → write contract and operation: "orders.place"`,
    );
  }
  return problems;
}
