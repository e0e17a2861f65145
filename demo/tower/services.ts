import { serve, serveOlder, type Client, type Service } from "trunkline";
import type { Archive } from "../contracts/archive.ts";
import type { Airport } from "../contracts/flight.ts";
import type { Ledger } from "../contracts/ledger.ts";
import type { Navigator } from "../contracts/navigator.ts";
import type { Schedule } from "../contracts/schedule.ts";
import { Tower } from "../contracts/tower.ts";
import { Tower2 } from "../contracts/tower2.ts";
import { Log } from "../log.ts";

/** So many lines of the board are shown to somebody who has just come. */
const boardLines = 20;

/** Whom a tower asks. */
export interface Others {
  readonly schedule: Client<typeof Schedule>;
  readonly ledger: Client<typeof Ledger>;
  readonly archive: Client<typeof Archive>;
  readonly navigator: Client<typeof Navigator>;
}

interface Departure {
  readonly flight: number;
  readonly origin: string;
  readonly destination: string;
}

/** What a tower knows by itself, and loses with its process. */
export class Tables {
  readonly airports: Map<string, Airport> = new Map();
  readonly airborne: Map<string, number> = new Map();
  readonly board: Log<Departure> = new Log();
}

/**
 * What a tower serves. The handlers are those of version 2; what the desks know is version 1, which is converted to it. The
 * first build has only version 1 open, the next one both: so a fleet changes from one version to the other tower by tower.
 */
export function towerServices(
  name: string,
  build: number,
  { schedule, ledger, archive, navigator }: Others,
  { airports, airborne, board }: Tables,
): Service[] {
  const newer = serve(Tower2, {
    // Both calls inherit what is left of the desk's deadline, and its trace. The key is handed on by hand, because
    // only we know that the entry and the clearance are one piece of work.
    async clear({ flight: number }, { errors, idempotencyKey }) {
      const found = await schedule.flight.result(number);
      if (!found.ok && found.error.code === "NOT_FOUND")
        throw errors.UNKNOWN_FLIGHT({ flight: number });
      if (!found.ok) throw found.error;
      const flight = found.value;
      const { entry, repeated } = await ledger.record({ flight, tower: name }, { idempotencyKey });
      const { origin, destination } = flight;
      board.append({ flight: number, origin, destination });
      return { flight: number, tower: name, entry: { number: entry, repeated } };
    },
    async airport({ iata }, { errors }) {
      let airport = airports.get(iata);
      if (airport === undefined) {
        const found = await schedule.airport.result(iata);
        if (!found.ok && found.error.code === "NOT_FOUND") throw errors.NOT_FOUND({ iata });
        if (!found.ok) throw found.error;
        airports.set(iata, (airport = found.value));
      }
      return { ...airport, airborne: airborne.get(iata) ?? 0 };
    },
    airborne({ origin }) {
      airborne.set(origin, (airborne.get(origin) ?? 0) + 1);
    },
    // What the ledger has flows through the navigator into the archive, and each asks for the next line only when it has
    // room: no process holds the sheet as a whole but the last one. What this tower itself remembers does not matter.
    async signOff(_, { trace }) {
      let after = await archive.last(name);
      for (;;) {
        const head = { tower: name, after };
        const legs = navigator.courses(ledger.written(head));
        const stored = await archive.store.result(legs, { head });
        if (stored.ok) return { sheet: stored.value, trace: trace.traceId };
        if (stored.error.code !== "OUT_OF_TURN") throw stored.error;
        after = stored.error.data.upTo; // what the tower before this one had sent was complete after all
      }
    },
    board: (_, { signal }) => board.from(board.size - boardLines, signal),
  });
  const older = serveOlder(
    Tower,
    newer,
    {
      clear: {
        up: (flight) => ({ flight }),
        down: ({ entry: { number: entry, repeated }, ...rest }) => ({ ...rest, entry, repeated }),
        errors: { UNKNOWN_FLIGHT: ({ flight }, { errors }) => errors.UNKNOWN_FLIGHT(flight) },
      },
      airport: {
        up: (iata) => ({ iata }),
        errors: { NOT_FOUND: ({ iata }, { errors }) => errors.NOT_FOUND(iata) },
      },
    },
    build === 1 ? {} : { deprecated: "2001-03-01" },
  );
  return build === 1 ? [older] : [newer, older];
}
