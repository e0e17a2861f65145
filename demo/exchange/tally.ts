import type { Flight } from "../contracts/flight.ts";
import { readSheet } from "./movements.ts";

/** What the counters have, against the file. */
export interface Counted {
  /** Movements that are not there yet. */
  readonly missing: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly off: readonly string[];
}

/** Compares what was applied, airport by airport, with the flights as they are in the file: how many, which, in which order. */
export function countMovements(folder: string, flights: readonly Flight[]): Counted {
  let [missing, doubled, reordered] = [0, 0, 0];
  for (const [what, airportOf] of [
    ["departed", (flight: Flight) => flight.origin],
    ["landed", (flight: Flight) => flight.destination],
  ] as const)
    for (const [airport, expected] of Map.groupBy(flights, airportOf)) {
      const sheet = readSheet(folder, what, airport);
      const once = new Set(sheet.flights);
      missing += expected.filter(({ number }) => !once.has(number)).length;
      doubled += sheet.flights.length - once.size;
      reordered += sheet.flights.filter(
        (flight, at) => at > 0 && flight < sheet.flights[at - 1]!,
      ).length;
    }
  const off: string[] = [];
  if (missing > 0) off.push(`${missing} movements are lost`);
  if (doubled > 0) off.push(`${doubled} movements were applied twice`);
  if (reordered > 0) off.push(`${reordered} movements of an airport came out of order`);
  return { missing, lost: missing, doubled, reordered, off };
}
