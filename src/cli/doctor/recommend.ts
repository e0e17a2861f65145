import { bytes, count } from "../units.ts";
import { facts, type Facts, type Pattern, type Trust } from "./facts.ts";
import { isMeasured, type Measured, type Outcome } from "./measure/measured.ts";

/** What somebody needs. */
export interface Need {
  readonly sizeBytes: number;
  /** Messages a second. */
  readonly rate: number;
  readonly pattern: Pattern;
  /** What was accepted must outlive both processes. */
  readonly durable: boolean;
  readonly trust: Trust;
  /** One of the two starts the other. */
  readonly related: boolean;
}

/** What one mechanism is for that need. */
export interface Advice {
  readonly name: string;
  readonly write: string;
  readonly fits: boolean;
  /** Why not, or what to know; empty: nothing speaks against it. */
  readonly notes: readonly string[];
  /** What it carries here a second at that size; undefined: not measured. */
  readonly perSecond: number | undefined;
  readonly cpuUsEach: number | undefined;
  readonly p50Us: number | undefined;
}

/** Twice what is needed: a machine that is used to the full has no time for the work itself. */
const reserve = 2;
/** From this rate on what one message costs decides, below it how soon the answer comes. */
const busyPerSecond = 1_000;

/** Figures of one short run that differ by less than this factor are the same. */
export const sameWithin: number = 4 / 3;

/**
 * All that there is for a need, what fits first and of these the best first; then what comes near it: what is only too slow stands before what
 * promises too little. Pure: it knows nothing but what it is given.
 */
export function recommend(need: Need, outcomes: readonly Outcome[]): Advice[] {
  return facts
    .map((each) => {
      const outcome = outcomes.find(({ name }) => name === each.name);
      const against = objections(each, need);
      return { against: against.length, advice: adviceOf(each, need, against, outcome) };
    })
    .toSorted(
      ({ advice: a, against: ofA }, { advice: b, against: ofB }) =>
        Number(b.fits) - Number(a.fits) || ofA - ofB || order(costOf(a, need), costOf(b, need)),
    )
    .map(({ advice }) => advice);
}

function adviceOf(
  of: Facts,
  need: Need,
  promises: readonly string[],
  outcome: Outcome | undefined,
): Advice {
  const measured = outcome !== undefined && isMeasured(outcome) ? outcome : undefined;
  const figures = figuresOf(measured, need);
  const against = [...promises];
  if (outcome !== undefined && !isMeasured(outcome)) against.push(outcome.reason);
  if (figures.perSecond !== undefined && figures.perSecond < need.rate * reserve)
    against.push(
      `it carries ${count(figures.perSecond)} a second here, and ${count(need.rate)} want ${count(need.rate * reserve)}`,
    );
  const { name, write, know, among } = of;
  const fits = against.length === 0;
  const known = fits ? [among?.[need.trust], know].filter((each) => each !== undefined) : [];
  const unknown = fits && measured === undefined ? ["not measured here"] : [];
  return { name, write, fits, notes: [...against, ...known, ...unknown], ...figures };
}

/** Two that were not measured are the same too. */
function order(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** What speaks against it before anything is measured. */
function objections(of: Facts, need: Need): string[] {
  const against: string[] = [];
  if (of.joins === "one process") against.push("it joins parts of one process only");
  if (of.joins === "parent and child" && !need.related)
    against.push("it joins a process and those that it starts");
  if (!of.patterns.includes(need.pattern))
    against.push(`it carries ${of.patterns.join(", ")} and no ${need.pattern}`);
  if (!of.trust.includes(need.trust)) against.push(`it is not for ${people[need.trust]}`);
  if (need.durable && !of.durable) against.push("what is under way may end with a process");
  if (of.bytesMost !== undefined && need.sizeBytes > of.bytesMost)
    against.push(`a message has ${bytes(of.bytesMost)} at most`);
  return against;
}

const people: Readonly<Record<Trust, string>> = {
  "same-user": "processes of one user",
  "other-user": "processes of different users",
  container: "processes in different containers",
};

function figuresOf(
  measured: Measured | undefined,
  { pattern, sizeBytes }: Need,
): Pick<Advice, "perSecond" | "cpuUsEach" | "p50Us"> {
  const { sizes = [], call, stream, oneWay } = measured ?? {};
  const size = sizes.find((each) => each.bytes >= sizeBytes) ?? sizes.at(-1);
  const small = sizeBytes <= (sizes[0]?.bytes ?? Infinity);
  // Streams and notifications are measured with small messages; for larger ones calls of that size are the nearest thing.
  const own = pattern === "stream" ? stream : pattern === "event" ? oneWay : undefined;
  const rate = own !== undefined && (small || size === undefined) ? own : size;
  return {
    perSecond: rate?.perSecond,
    cpuUsEach: rate?.cpuUsEach,
    p50Us: pattern === "event" ? (oneWay?.roundTrip.p50Us ?? call?.p50Us) : call?.p50Us,
  };
}

/**
 * The less the better, in steps of a third: what differs by less is the same, and then the order of the facts decides. What was not
 * measured comes after what was.
 */
function costOf({ cpuUsEach, p50Us }: Advice, { rate, pattern }: Need): number {
  const decides = rate >= busyPerSecond || pattern === "stream" ? cpuUsEach : p50Us;
  return decides === undefined ? Infinity : Math.round(Math.log(decides) / Math.log(sameWithin));
}
