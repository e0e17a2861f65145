import { call, contract } from "trunkline";
import * as z from "zod";

export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  { ask: call({ in: z.string(), out: z.string(), idempotent: true }) },
);
