import * as z from "zod";
import { call, contract, stream } from "trunkline";
import { Airport, Flight, FlightNumber, Iata } from "./flight.ts";

/** What a desk gets to see of a flight; who wants to know more asks for it. */
export const Strip = Flight.pick({ number: true, origin: true, destination: true });
export type Strip = z.infer<typeof Strip>;

/** Owns the flights, and lets them come up for clearance as its time goes by. */
export const Schedule = contract(
  "schedule",
  { version: "1.0.0" },
  {
    begin: call({
      in: z.object({ seconds: z.number().positive() }),
      description: "Lets the three months of the file go by in so many seconds.",
    }),
    flight: call({
      in: FlightNumber,
      out: Flight,
      errors: { NOT_FOUND: FlightNumber },
      idempotent: true,
    }),
    airport: call({ in: Iata, out: Airport, errors: { NOT_FOUND: Iata }, idempotent: true }),
    departures: stream({
      in: z.object({ desk: z.int().positive(), desks: z.int().positive() }),
      out: Strip,
      deadline: "2m", // to the first flight: the desks are there before the time begins
      description: "A desk's share of the flights, each when its time has come.",
    }),
  },
);
