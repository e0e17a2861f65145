import * as z from "zod";
import { bind, contract, event, type Binding } from "trunkline";

const Numbered = z.object({ key: z.string(), number: z.int() });

/** What comes in is processed once, and what comes of it goes out with it. */
export const Mill = contract(
  "mill",
  { version: "1.0.0" },
  {
    grain: event({ data: Numbered, key: "key", delivery: "exactly-once" }),
    flour: event({ data: Numbered, key: "key", delivery: "exactly-once" }),
  },
);

export function channelsOf(run: string): Binding[] {
  return [
    bind(Mill.grain, { channel: `${run}.grain`, groups: ["millers"], shards: 4 }),
    bind(Mill.flour, { channel: `${run}.flour`, groups: ["bakers"], shards: 4 }),
  ];
}
