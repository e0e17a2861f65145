import type { Sheet } from "../contracts/archive.ts";
import type { Flight } from "../contracts/flight.ts";
import type { Entry } from "../contracts/ledger.ts";
import type { Leg } from "../contracts/navigator.ts";
import { readCharts } from "../flights.ts";
import { courseOf } from "../navigator/course.ts";
import { sealOf, sheetText } from "../sheet.ts";

/** The charts and the file may be this far apart in all: they measure the earth a little differently. */
const apartMax = 0.01;

/** What differs between the sheets in the archive and the ledger with the file; a sentence each. */
export function sheetDifferences(
  sheets: readonly Sheet[],
  entries: readonly Entry[],
  flights: readonly Flight[],
): string[] {
  const legOf = legsOf(flights);
  const wrong: string[] = [];
  const byTower = Map.groupBy(entries, ({ tower }) => tower);
  for (const tower of new Set([...byTower.keys(), ...sheets.map((sheet) => sheet.tower)])) {
    const own = (byTower.get(tower) ?? []).toSorted((one, other) => one.entry - other.entry);
    let reached = 0;
    for (const sheet of sheets.filter((each) => each.tower === tower)) {
      const { after, upTo, flights: count, digest } = sheet;
      if (after !== reached)
        wrong.push(`a sheet of ${tower} begins at ${after}, not at ${reached}`);
      const lines = own.filter(({ entry }) => entry > after && entry <= upTo);
      const expected = sealOf(sheetText(lines.map(legOf))).digest;
      if (count !== lines.length || digest !== expected)
        wrong.push(`the sheet of ${tower} from ${after} to ${upTo} is not what the ledger says`);
      reached = upTo;
    }
    const rest = own.filter(({ entry }) => entry > reached).length;
    if (rest > 0) wrong.push(`${rest} flights of ${tower} are on no sheet`);
  }
  const [archived, filed] = [milesOf(sheets), filedMiles(flights)];
  if (Math.abs(archived - filed) > filed * apartMax)
    wrong.push(`the navigators came to ${archived} miles, the file says ${filed}`);
  return wrong;
}

export function milesOf(sheets: readonly Sheet[]): number {
  return sheets.reduce((total, { miles }) => total + miles, 0);
}

function filedMiles(flights: readonly Flight[]): number {
  return flights.reduce((total, { distanceMiles }) => total + distanceMiles, 0);
}

/** What a navigator must have made of an entry. */
function legsOf(flights: readonly Flight[]): (entry: Entry) => Leg {
  const charts = readCharts();
  const byNumber = new Map(flights.map((flight) => [flight.number, flight]));
  return ({ entry, flight }) => {
    const { origin, destination } = byNumber.get(flight)!;
    const course = courseOf(charts.get(origin)!, charts.get(destination)!);
    return { entry, flight, origin, destination, ...course };
  };
}
