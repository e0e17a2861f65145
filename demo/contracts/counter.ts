import * as z from "zod";
import { call, contract, stream } from "trunkline";
import { Airport, Flight, FlightNumber, Iata } from "./flight.ts";

const Departure = z.object({ flight: FlightNumber, origin: Iata, destination: Iata });

/** What the public may ask about flights. How it stands on HTTP follows from it: `GET /flights/{flightId}`. */
export const Flights = contract(
  "flights",
  { version: "1.0.0" },
  {
    get: call({
      in: FlightNumber,
      out: Flight,
      errors: { NOT_FOUND: FlightNumber },
      idempotent: true,
      description: "One flight by its number, which is its line in the file.",
    }),
    watch: stream({
      out: Departure,
      description: "The departures of one tower, as they are cleared.",
    }),
  },
);

/** What the public may ask about airports. */
export const Airports = contract(
  "airports",
  { version: "1.0.0" },
  {
    get: call({
      in: Iata,
      out: Airport.extend({ airborne: z.int() }),
      errors: { NOT_FOUND: Iata },
      idempotent: true,
      description: "An airport by its three letters, with the flights that have left it.",
    }),
  },
);
