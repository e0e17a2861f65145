import * as z from "zod";
import { call, contract } from "trunkline";
import { Airport, FlightNumber, Iata } from "./flight.ts";
import { answerWithinMs, Tower } from "./tower.ts";

/**
 * The next version of the towers' contract: questions are objects, to which fields can be added, and a clearance tells of its
 * entry in one place. No peer of the first version could talk to it, so its major is another one. The rest is as it was.
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
    airborne: Tower.airborne,
    signOff: Tower.signOff,
    board: Tower.board,
  },
);
