import { call, contract, stream } from "trunkline";
import * as z from "zod";

const Ticket = z.object({ id: z.string(), seat: z.string() });

export const Tickets = contract(
  "tickets",
  { version: "1.0.0" },
  {
    buy: call({
      in: z.object({ seat: z.string() }),
      out: Ticket,
      errors: { SOLD_OUT: z.object({ seat: z.string() }) },
    }),
    get: call({ in: z.object({ id: z.string() }), out: Ticket, idempotent: true }),
    queue: stream({ in: z.object({ people: z.int32() }), out: z.object({ next: z.int32() }) }),
  },
);
