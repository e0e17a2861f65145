import * as z from "zod";
import { call, contract, notification, stream } from "trunkline";
import { Sheet } from "./archive.ts";
import { Airport, FlightNumber, Iata } from "./flight.ts";
import { answerWithinMs } from "./tower.ts";

const Departure = z.object({ flight: FlightNumber, origin: Iata, destination: Iata });

/**
 * The next version of the towers' contract: a clearance is asked for with a reason for more fields to come, and tells of its
 * entry in one place. No peer of the first version could talk to it, so its major is another one.
 */
export const Tower2 = contract(
  "tower",
  { version: "2.0.0" },
  {
    clear: call({
      in: z.object({ flight: FlightNumber }),
      out: z.object({
        flight: FlightNumber,
        tower: z.string(),
        entry: z.object({ number: z.int().positive(), repeated: z.boolean() }),
      }),
      errors: { UNKNOWN_FLIGHT: z.object({ flight: FlightNumber }) },
      idempotent: "by-key",
      deadline: answerWithinMs,
    }),
    airport: call({
      in: z.object({ iata: Iata }),
      out: Airport.extend({ airborne: z.int() }),
      errors: { NOT_FOUND: z.object({ iata: Iata }) },
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
