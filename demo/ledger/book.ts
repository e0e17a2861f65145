import type { Flight } from "../contracts/flight.ts";
import type { Entry, Figures, Line } from "../contracts/ledger.ts";
import { Log } from "../log.ts";

interface Clearance {
  readonly flight: Flight;
  readonly tower: string;
}

/** The entries and what they add up to. */
export class Book {
  readonly entries: Log<Entry> = new Log();
  readonly #entryOf = new Map<string, number>();
  readonly #figures = new Map<string, Figures>();
  readonly #written = new Map<string, Line[]>();

  /**
   * Enters a flight, unless something was entered under `key` before. Key and effect are written in one step, without a
   * pause in between: there is no moment at which one is there and the other is not.
   */
  enter(key: string, { flight, tower }: Clearance): { entry: number; repeated: boolean } {
    const known = this.#entryOf.get(key);
    if (known !== undefined) return { entry: known, repeated: true };
    const entry = this.#entryOf.size + 1;
    this.#entryOf.set(key, entry);
    this.#add(flight);
    const { number, time, origin, destination } = flight;
    this.#writtenBy(tower).push({ entry, flight: number, origin, destination });
    this.entries.append({ entry, flight: number, time, tower });
    return { entry, repeated: false };
  }

  /** The lines of a tower behind an entry, those among them that are there now. */
  *written(tower: string, after: number): Generator<Line, void> {
    const lines = this.#writtenBy(tower);
    const end = lines.length;
    for (let next = lines.findLastIndex(({ entry }) => entry <= after) + 1; next < end; next++)
      yield lines[next]!;
  }

  get figures(): Iterable<Figures> {
    return this.#figures.values();
  }

  #add({ origin, destination, delayMinutes, distanceMiles }: Flight): void {
    const from = this.#at(origin);
    from.departures++;
    from.delayMinutes += delayMinutes;
    from.distanceMiles += distanceMiles;
    this.#at(destination).arrivals++;
  }

  #writtenBy(tower: string): Line[] {
    let lines = this.#written.get(tower);
    if (lines === undefined) this.#written.set(tower, (lines = []));
    return lines;
  }

  #at(airport: string): Figures {
    let figures = this.#figures.get(airport);
    if (figures === undefined) {
      figures = { airport, departures: 0, arrivals: 0, delayMinutes: 0, distanceMiles: 0 };
      this.#figures.set(airport, figures);
    }
    return figures;
  }
}
