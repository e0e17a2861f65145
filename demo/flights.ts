import { readFileSync } from "node:fs";
import type { Position } from "./navigator/course.ts";
import type { Airport, Flight } from "./contracts/flight.ts";

/** The data of the package vega-datasets: flights within the US in early 2001 (Bureau of Transportation Statistics). */
const data = new URL("../data/", import.meta.resolve("vega-datasets"));

interface Row {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** The 20,000 flights in the order of their time. A flight's number is its line. */
export function readFlights(): Flight[] {
  const rows = JSON.parse(readFileSync(new URL("flights-20k.json", data), "utf8")) as Row[];
  return rows.map(({ date, delay, distance, origin, destination }, index) => ({
    number: index + 1,
    time: date,
    origin,
    destination,
    delayMinutes: delay,
    distanceMiles: distance,
  }));
}

export function readAirports(): Map<string, Airport> {
  return new Map(
    readRows().map(([iata = "", name = "", city = ""]) => [iata, { iata, name, city }]),
  );
}

/** The airports that the flights use. */
export function usedAirports(flights: readonly Flight[]): Airport[] {
  const used = new Set(flights.flatMap(({ origin, destination }) => [origin, destination]));
  return [...readAirports().values()].filter(({ iata }) => used.has(iata));
}

/** Where the airports are. */
export function readCharts(): Map<string, Position> {
  return new Map(
    readRows().map(([iata = "", , , , , latitude, longitude]) => [
      iata,
      { latitude: Number(latitude), longitude: Number(longitude) },
    ]),
  );
}

function readRows(): string[][] {
  const [, ...lines] = readFileSync(new URL("airports.csv", data), "utf8").trim().split("\n");
  return lines.map(fieldsOf);
}

/** The fields of a CSV line; a quoted one may hold commas, and quotes written twice. */
function fieldsOf(line: string): string[] {
  return line
    .match(/"(?:[^"]|"")*"|[^,]+|(?<=,)(?=,|$)/g)!
    .map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
}
