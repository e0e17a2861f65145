import { call, contract, duplex, stream, upload } from "trunkline";
import * as z from "zod";

const Named = z.object({ id: z.string() });
const Item = z.object({ number: z.number(), fill: z.string() });

/** What those who are killed serve, and call. */
export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    note: call({ in: Named, out: Named }),
    count: stream({ in: z.object({ to: z.number() }), out: z.object({ number: z.number() }) }),
    tell: stream({ in: z.object({ id: z.string(), to: z.number() }), out: Item }),
    take: upload({ head: Named, in: Item, out: z.object({ taken: z.number() }) }),
    mirror: duplex({ head: Named, in: Item, out: Item }),
  },
);

/** The longest fill is many to a ring, and does not end where the ring does. */
const fillCharsMax = 1_021;

/** The item of that number. */
export function itemOf(number: number): z.infer<typeof Item> {
  return { number, fill: "x".repeat((number * 97) % fillCharsMax) };
}

/** Its number; throws when it is not what was sent. */
export function numberOf({ number, fill }: z.infer<typeof Item>): number {
  if (fill !== itemOf(number).fill) throw new Error(`item ${number} is not what was sent`);
  return number;
}
