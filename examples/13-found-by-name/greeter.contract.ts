import { call, contract } from "trunkline";
import * as z from "zod";

export const Greeter = contract(
  "greeter",
  { version: "1.0.0" },
  {
    /** Says who answers. */
    hello: call({ out: z.string(), idempotent: true }),
  },
);
