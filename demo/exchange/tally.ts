import type { Flight } from "../contracts/flight.ts";
import type { Books, Entry, Total } from "./books.ts";
import { readSheet } from "./movements.ts";
import { milestoneEach } from "./traffic.ts";

/** Each flight is a movement twice. */
const ways = [
  ["departed", (flight: Flight) => flight.origin],
  ["landed", (flight: Flight) => flight.destination],
] as const;

/** What the counters have, against the file. */
export interface Counted {
  /** Movements that are not there yet. */
  readonly missing: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly off: readonly string[];
}

/** Compares the books with the flights as they are in the file: each movement, the totals, the milestones. */
export async function countBooks(books: Books, flights: readonly Flight[]): Promise<Counted> {
  const { movements, milestones, totals } = await books.read();
  let [missing, doubled, reordered] = [0, 0, 0];
  const off: string[] = [];
  const wrong = new Set<string>();
  for (const [what, airportOf] of ways)
    for (const [airport, expected] of Map.groupBy(flights, airportOf)) {
      const own = (each: Entry | Total): boolean => each.what === what && each.airport === airport;
      const counted = compare(
        movements.filter(own).map(({ number }) => number),
        expected,
      );
      missing += counted.missing;
      doubled += counted.doubled;
      reordered += counted.reordered;
      const total = totals.find(own) ?? { movements: 0, delay: 0 };
      const delay = expected.reduce((sum, { delayMinutes }) => sum + delayMinutes, 0);
      if (total.movements !== expected.length || total.delay !== delay)
        wrong.add(`${what} ${airport}`);
      const told = milestones.filter(own).map(({ number }) => number);
      const due = Array.from(
        { length: Math.floor(expected.length / milestoneEach) },
        (_, i) => (i + 1) * milestoneEach,
      );
      missing += due.filter((each) => !told.includes(each)).length;
      doubled += told.length - new Set(told).size;
      reordered += told.filter((each, at) => at > 0 && each < told[at - 1]!).length;
    }
  if (wrong.size > 0) off.push(`${wrong.size} totals differ: ${[...wrong].slice(0, 3).join(", ")}`);
  return {
    missing,
    lost: missing,
    doubled,
    reordered,
    off: [...sentences(missing, doubled, reordered), ...off],
  };
}

/** Compares what was applied, airport by airport, with the flights as they are in the file: how many, which, in which order. */
export function countMovements(folder: string, flights: readonly Flight[]): Counted {
  let [missing, doubled, reordered] = [0, 0, 0];
  for (const [what, airportOf] of ways)
    for (const [airport, expected] of Map.groupBy(flights, airportOf)) {
      const counted = compare(readSheet(folder, what, airport).flights, expected);
      missing += counted.missing;
      doubled += counted.doubled;
      reordered += counted.reordered;
    }
  return {
    missing,
    lost: missing,
    doubled,
    reordered,
    off: sentences(missing, doubled, reordered),
  };
}

/** What was applied at one airport, in that order, against the file. */
function compare(
  applied: readonly number[],
  expected: readonly Flight[],
): Pick<Counted, "missing" | "doubled" | "reordered"> {
  const once = new Set(applied);
  return {
    missing: expected.filter(({ number }) => !once.has(number)).length,
    doubled: applied.length - once.size,
    reordered: applied.filter((flight, at) => at > 0 && flight < applied[at - 1]!).length,
  };
}

function sentences(missing: number, doubled: number, reordered: number): string[] {
  const off: string[] = [];
  if (missing > 0) off.push(`${missing} movements are lost`);
  if (doubled > 0) off.push(`${doubled} movements were applied twice`);
  if (reordered > 0) off.push(`${reordered} movements of an airport came out of order`);
  return off;
}
