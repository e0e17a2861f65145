import * as z from "zod";
import { call, contract, notification, stream } from "trunkline";
import { Sheet } from "./archive.ts";
import { Airport, FlightNumber, Iata } from "./flight.ts";

/** How long a desk waits for an answer. What has not settled a moment after that hangs. */
export const answerWithinMs = 5_000;

const Cleared = z.object({
  flight: FlightNumber,
  tower: z.string(),
  /** Its number in the ledger. */
  entry: z.int().positive(),
  /** The ledger had it already: an earlier try of the same clearance came through. */
  repeated: z.boolean(),
});

const Departure = z.object({ flight: FlightNumber, origin: Iata, destination: Iata });

/** Clears flights. Every tower clears any flight and forgets everything when it dies: the ledger is what counts. */
export const Tower = contract(
  "tower",
  { version: "1.0.0" },
  {
    clear: call({
      in: FlightNumber,
      out: Cleared,
      errors: { UNKNOWN_FLIGHT: FlightNumber },
      idempotent: "by-key",
      deadline: answerWithinMs,
    }),
    airport: call({
      in: Iata,
      out: Airport.extend({ airborne: z.int() }),
      errors: { NOT_FOUND: Iata },
      idempotent: true,
      deadline: answerWithinMs,
    }),
    airborne: notification({
      in: z.object({ flight: FlightNumber, origin: Iata }),
      key: "origin",
      description: "A desk saw the flight leave.",
    }),
    signOff: call({
      out: z.object({ sheet: Sheet, trace: z.string() }),
      idempotent: true,
      deadline: "30s",
      description: "Hands in the log sheet of the flights since the last one.",
    }),
    board: stream({
      out: Departure,
      description: "The last flights that this tower cleared, and then each as it is cleared.",
    }),
  },
);
