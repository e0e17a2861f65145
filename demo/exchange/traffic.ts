import * as z from "zod";
import { bind, command, contract, document, event, gather, type Binding } from "trunkline";
import { FlightNumber, Iata } from "../contracts/flight.ts";

const Movement = z.object({ flight: FlightNumber, airport: Iata, delayMinutes: z.int() });
export type Movement = z.infer<typeof Movement>;

/** What the exchange carries by a broker: something of each kind that travels as a message. */
export const Traffic = contract(
  "traffic",
  { version: "1.0.0" },
  {
    departed: event({ data: Movement, key: "airport" }),
    landed: event({ data: Movement, key: "airport" }),
    milestone: event({
      data: z.object({ what: z.enum(["departed", "landed"]), airport: Iata, movements: z.int() }),
      key: "airport",
      description: "So many flights have departed from, or landed at, an airport.",
    }),
    assign: command({
      in: z.object({ flight: FlightNumber, airport: Iata }),
      out: z.object({ flight: FlightNumber, runway: z.string() }),
      errors: { CLOSED: Iata },
      key: "airport",
      description: "Which runway a flight is to use.",
    }),
    alternates: gather({
      in: z.object({ airport: Iata }),
      out: z.object({ airport: Iata, miles: z.int() }),
      description:
        "Where to go when an airport is closed: each region answers with its nearest one.",
    }),
    plan: document({
      data: z.object({ flight: FlightNumber, route: z.array(Iata) }),
      description: "A flight plan, for one of those who file them.",
    }),
  },
);

/** After so many movements of an airport one is told. */
export const milestoneEach = 20;

/** The groups that answer; the last one never does. */
const regions = ["east", "west", "nobody"] as const;

/** The channels of one run: what an earlier one has left in a broker is not ours. */
export function channelsOf(run: string): Binding[] {
  const counted = { groups: ["counters"] };
  return [
    bind(Traffic.departed, { channel: `${run}.departed`, ...counted }),
    bind(Traffic.landed, { channel: `${run}.landed`, ...counted }),
    bind(Traffic.milestone, { channel: `${run}.milestone`, groups: ["board"] }),
    bind(Traffic.assign, { channel: `${run}.assign` }),
    bind(Traffic.alternates, { channel: `${run}.alternates`, groups: regions }),
    bind(Traffic.plan, { channel: `${run}.plan` }),
  ];
}

/** The airport that is closed. */
export const closed = "DEN";
