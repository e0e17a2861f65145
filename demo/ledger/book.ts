import type { Flight } from "../contracts/flight.ts";
import type { Entry, Figures } from "../contracts/ledger.ts";
import { Log } from "../log.ts";

type Line = Omit<Entry, "entry" | "flight" | "time"> & { readonly flight: Flight };

/** The entries and what they add up to. */
export class Book {
  readonly entries: Log<Entry> = new Log();
  readonly #entryOf = new Map<string, number>();
  readonly #figures = new Map<string, Figures>();

  /**
   * Enters a flight, unless something was entered under `key` before. Key and effect are written in one step, without a
   * pause in between: there is no moment at which one is there and the other is not.
   */
  enter(key: string, { flight, tower, trace }: Line): { entry: number; repeated: boolean } {
    const known = this.#entryOf.get(key);
    if (known !== undefined) return { entry: known, repeated: true };
    const entry = this.#entryOf.size + 1;
    this.#entryOf.set(key, entry);
    this.#add(flight);
    this.entries.append({ entry, flight: flight.number, time: flight.time, tower, trace });
    return { entry, repeated: false };
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

  #at(airport: string): Figures {
    let figures = this.#figures.get(airport);
    if (figures === undefined) {
      figures = { airport, departures: 0, arrivals: 0, delayMinutes: 0, distanceMiles: 0 };
      this.#figures.set(airport, figures);
    }
    return figures;
  }
}
