import { call, command, contract, notification } from "trunkline";
import * as z from "zod";

/** What the processes of `commands.test.ts` have in common. */
export const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    ship: command({
      in: z.object({ order: z.string() }),
      out: z.object({ parcel: z.string() }),
      errors: { LOST: z.string() },
      key: "order",
    }),
    buy: call({ in: z.string(), out: z.string() }),
    look: call({ in: z.string(), out: z.string(), idempotent: true }),
    seen: notification({ in: z.string() }),
  },
);
