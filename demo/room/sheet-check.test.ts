import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import type { Sheet } from "../contracts/archive.ts";
import type { Entry } from "../contracts/ledger.ts";
import { readCharts, readFlights } from "../flights.ts";
import { courseOf } from "../navigator/course.ts";
import { sealOf, sheetText } from "../sheet.ts";
import { sheetDifferences } from "./sheet-check.ts";

const flights = readFlights().slice(0, 40);
const charts = readCharts();

/** As the ledger would have it: two towers, in turns. */
const entries: Entry[] = flights.map(({ number, time }, index) => ({
  entry: index + 1,
  flight: number,
  time,
  tower: `tower-${(index % 2) + 1}`,
}));

/** The sheet of a tower as an archive would have it. */
function sheet(tower: string, after: number, upTo: number): Sheet {
  const own = entries.filter((each) => each.tower === tower);
  const legs = own
    .filter(({ entry }) => entry > after && entry <= upTo)
    .map(({ entry, flight }) => {
      const { origin, destination } = flights[flight - 1]!;
      const course = courseOf(charts.get(origin)!, charts.get(destination)!);
      return { entry, flight, origin, destination, ...course };
    });
  return { tower, after, upTo, flights: legs.length, ...sealOf(sheetText(legs)) };
}

const whole = [sheet("tower-1", 0, 19), sheet("tower-2", 0, 40), sheet("tower-1", 19, 39)];

test("sheets with all entries, once each, are what they must be", () => {
  deepEqual(sheetDifferences(whole, entries, flights), []);
});

test("a missing sheet, one that is there twice and one that was changed are told", () => {
  const [first, second, third] = whole as [Sheet, Sheet, Sheet];
  match(sheetDifferences([first, second], entries, flights).join(), /10 flights of tower-1 are on/);
  match(
    sheetDifferences([first, second, first, third], entries, flights).join(),
    /begins at 0, not at 19/,
  );
  const changed = { ...second, digest: first.digest };
  match(
    sheetDifferences([first, changed, third], entries, flights).join(),
    /the sheet of tower-2 from 0 to 40 is not what the ledger says/,
  );
});

test("miles that the file does not know are told", () => {
  const far = whole.map((each) => ({ ...each, miles: each.miles * 1.1 }));
  const told = sheetDifferences(far, entries, flights);
  equal(told.length, 1);
  match(told[0]!, /the navigators came to \d+/);
});

test("from New York to Los Angeles it is 2,470 miles, and the way begins a little north of west", () => {
  const { miles, bearing } = courseOf(charts.get("JFK")!, charts.get("LAX")!);
  equal(Math.round(miles / 10) * 10, 2470);
  equal(bearing, 274);
});
