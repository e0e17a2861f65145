import * as z from "zod";
import { call, contract } from "trunkline";

/** Names the payment, and is its answer. */
const Id = z.string();

export const Till = contract(
  "till",
  { version: "1.0.0" },
  { pay: call({ in: Id, out: Id, idempotent: "by-key" }) },
);
