// What is said, and nothing of how it travels. Both sides import this file.
import { call, contract } from "trunkline";
import * as z from "zod";

export const Greeter = contract(
  "greeter",
  { version: "1.0.0" },
  {
    hello: call({
      in: z.object({ name: z.string() }),
      out: z.object({ text: z.string() }),
      errors: { UNWELCOME: z.object({ name: z.string() }) },
      idempotent: true,
    }),
  },
);
