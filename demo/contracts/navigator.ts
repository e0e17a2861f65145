import * as z from "zod";
import { contract, duplex } from "trunkline";
import { Iata } from "./flight.ts";
import { Line } from "./ledger.ts";

/** A flight as the ledger entered it, with the way it took over the ground. */
export const Leg = Line.extend({
  /** The great circle, in statute miles and to a tenth, as the airlines count them. */
  miles: z.number().nonnegative(),
  /** The course at take-off: degrees from north, clockwise. */
  bearing: z.int().min(0).max(359),
});
export type Leg = z.infer<typeof Leg>;

/** Knows the charts. Each tower has a navigator of its own, a program that it starts and speaks with over pipes. */
export const Navigator = contract(
  "navigator",
  { version: "1.0.0" },
  {
    courses: duplex({
      in: Line,
      out: Leg,
      errors: { UNKNOWN_AIRPORT: Iata },
      description: "Each flight with its course, in the order in which they come.",
    }),
  },
);
