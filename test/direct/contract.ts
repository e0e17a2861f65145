import { contract, event } from "trunkline";
import * as z from "zod";

/** Told by one process, counted by a group of others. */
export const Gates = contract(
  "gates",
  { version: "1.0.0" },
  {
    passed: event({
      data: z.object({ gate: z.string(), number: z.number() }),
      key: "gate",
      delivery: "at-most-once",
    }),
  },
);

/** What a counter says of each message that it had: when, by the clock that all processes of the host have in common. */
export interface Counted {
  readonly gate: string;
  readonly number: number;
  readonly fromNs: string;
  readonly untilNs: string;
}
