import type { Client } from "trunkline";
import type { Flight } from "../contracts/flight.ts";
import type { Entry, Figures, Ledger } from "../contracts/ledger.ts";

/** Follows the ledger from outside: counts for itself what is entered, and how often. */
export class Audit {
  /** How far the flights have come: the latest time of any that was entered. */
  latest: string | undefined;
  readonly #flights: readonly Flight[];
  readonly #entries = new Map<number, Entry[]>();

  constructor(flights: readonly Flight[]) {
    this.#flights = flights;
  }

  /** Reads all entries, until the ledger stops. */
  async follow(ledger: Client<typeof Ledger>): Promise<void> {
    for await (const entry of ledger.entries()) this.#note(entry);
  }

  get entered(): number {
    return this.#entries.size;
  }

  get entries(): Entry[] {
    return [...this.#entries.values()].flat();
  }

  /** Flights that were never entered. */
  get lost(): number {
    return this.#flights.filter(({ number }) => !this.#entries.has(number)).length;
  }

  /** Flights that were entered more than once. */
  get doubled(): number {
    return [...this.#entries.values()].filter((entries) => entries.length > 1).length;
  }

  #note(entry: Entry): void {
    if (this.latest === undefined || entry.time > this.latest) this.latest = entry.time;
    const before = this.#entries.get(entry.flight);
    if (before === undefined) this.#entries.set(entry.flight, [entry]);
    else before.push(entry);
  }
}

/** What differs between what the ledger counted and what stands in the file; one sentence for each airport. */
export function differences(flights: readonly Flight[], counted: readonly Figures[]): string[] {
  const expected = figuresOf(flights);
  const names = new Set([...expected.keys(), ...counted.map(({ airport }) => airport)]);
  const byName = new Map(counted.map((figures) => [figures.airport, figures]));
  return [...names].flatMap((name) => {
    const [file, processes] = [expected.get(name), byName.get(name)].map((figures) =>
      figures === undefined ? "nothing" : told(figures),
    );
    return file === processes ? [] : [`${name}: the file says ${file}, the processes ${processes}`];
  });
}

/** The figures straight from the file, in another way than the ledger's. */
function figuresOf(flights: readonly Flight[]): Map<string, Figures> {
  const leaving = Map.groupBy(flights, ({ origin }) => origin);
  const coming = Map.groupBy(flights, ({ destination }) => destination);
  const airports = new Set([...leaving.keys(), ...coming.keys()]);
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return new Map(
    [...airports].map((airport) => {
      const departures = leaving.get(airport) ?? [];
      return [
        airport,
        {
          airport,
          departures: departures.length,
          arrivals: coming.get(airport)?.length ?? 0,
          delayMinutes: sum(departures.map(({ delayMinutes }) => delayMinutes)),
          distanceMiles: sum(departures.map(({ distanceMiles }) => distanceMiles)),
        },
      ];
    }),
  );
}

function told({ departures, arrivals, delayMinutes, distanceMiles }: Figures): string {
  return `${departures} departures, ${arrivals} arrivals, ${delayMinutes} min of delay, ${distanceMiles} miles`;
}
