import { contract, stream, upload } from "trunkline";
import * as z from "zod";

const Measurement = z.object({
  sensor: z.string(),
  at: z.int(),
  celsius: z.number(),
  note: z.string().optional(),
});

/** Nothing here says how it is written. */
export const Measurements = contract(
  "measurements",
  { version: "1.0.0" },
  {
    store: upload({ in: Measurement, out: z.int() }),
    latest: stream({ in: z.object({ sensor: z.string() }), out: Measurement, idempotent: true }),
  },
);
