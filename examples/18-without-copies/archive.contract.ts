import { bytes, call, contract } from "trunkline";
import * as z from "zod";

export const Archive = contract(
  "archive",
  { version: "1.0.0" },
  {
    store: call({ in: bytes(), out: z.object({ sum: z.number() }) }),
    report: call({ out: z.object({ pictures: z.number() }) }),
  },
);

/** What is in the table. */
export interface Settings {
  readonly keepDays: number;
}
