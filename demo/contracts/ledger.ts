import * as z from "zod";
import { call, contract, stream } from "trunkline";
import { Flight, FlightNumber, Iata } from "./flight.ts";

export const Entry = z.object({
  entry: z.int().positive(),
  flight: FlightNumber,
  time: z.string(),
  /** The tower that cleared it. */
  tower: z.string(),
});
export type Entry = z.infer<typeof Entry>;

export const Line = z.object({
  entry: z.int().positive(),
  flight: FlightNumber,
  origin: Iata,
  destination: Iata,
});
/** An entry as it stands on a tower's log sheet. */
export type Line = z.infer<typeof Line>;

export const Figures = z.object({
  airport: Iata,
  departures: z.int(),
  arrivals: z.int(),
  delayMinutes: z.int(),
  distanceMiles: z.int(),
});
/** What an airport saw. Delay and distance are sums over its departures. */
export type Figures = z.infer<typeof Figures>;

/** Enters each cleared flight once, whoever says it and how often. Knows of the flights only what it is told. */
export const Ledger = contract(
  "ledger",
  { version: "1.0.0" },
  {
    record: call({
      in: z.object({ flight: Flight, tower: z.string() }),
      out: z.object({ entry: z.int().positive(), repeated: z.boolean() }),
      idempotent: "by-key",
    }),
    entries: stream({
      out: Entry,
      deadline: "2m", // to the first entry
      description: "Every entry from the first on, and then as they are made.",
    }),
    written: stream({
      in: z.object({ tower: z.string(), after: z.int().nonnegative() }),
      out: Line,
      description: "What a tower had entered behind an entry, as far as the ledger is by now.",
    }),
    figures: stream({ out: Figures }),
  },
);
