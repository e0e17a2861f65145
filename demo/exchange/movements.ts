import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** One airport's movements, as they were applied. */
export interface Sheet {
  readonly flights: number[];
  readonly delay: number;
}

/**
 * Movements by airport, a file each: a movement and the mark that it was applied are one line, so that one that comes again is
 * known, whichever process has it now.
 */
export class Movements {
  readonly #folder: string;
  /** By file: how much of it was read, and the flights in it. */
  readonly #known = new Map<string, { bytes: number; readonly flights: Set<number> }>();
  applied = 0;
  repeated = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  apply(what: string, airport: string, flight: number, delayMinutes: number): void {
    const file = join(this.#folder, `${what}-${airport}.txt`);
    const known = this.#known.get(file) ?? { bytes: 0, flights: new Set<number>() };
    this.#known.set(file, known);
    // Another process had the airport before, or has it by now.
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes !== known.bytes)
      for (const line of readFileSync(file, "utf8").trim().split("\n"))
        known.flights.add(Number.parseInt(line, 10));
    if (known.flights.has(flight)) {
      known.bytes = bytes;
      this.repeated++;
      return;
    }
    const line = `${flight} ${delayMinutes}\n`;
    appendFileSync(file, line);
    known.flights.add(flight);
    known.bytes = bytes + line.length;
    this.applied++;
  }
}

/** What was applied at one airport, in that order; empty when nothing was. */
export function readSheet(folder: string, what: string, airport: string): Sheet {
  const file = join(folder, `${what}-${airport}.txt`);
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  const pairs = lines.map((line) => line.split(" ").map(Number) as [number, number]);
  return {
    flights: pairs.map(([flight]) => flight),
    delay: pairs.reduce((sum, [, delay]) => sum + delay, 0),
  };
}
