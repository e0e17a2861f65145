import { contract, duplex } from "trunkline";
import * as z from "zod";

export const Interpreter = contract(
  "interpreter",
  { version: "1.0.0" },
  {
    /** Items go both ways for as long as both like. */
    interpret: duplex({
      head: z.object({ into: z.enum(["morse", "shouting"]) }),
      in: z.string(),
      out: z.string(),
    }),
  },
);
