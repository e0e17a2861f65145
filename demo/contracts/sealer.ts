import * as z from "zod";
import { bytes, call, contract } from "trunkline";

/** Reads sheets and seals them: hard work for a processor, so it has a thread of its own. */
export const Sealer = contract(
  "sealer",
  { version: "1.0.0" },
  {
    seal: call({
      in: bytes(),
      out: z.object({ digest: z.string(), miles: z.number().nonnegative() }),
      idempotent: true,
      description: "The digest of a sheet's text, and the miles flown on it.",
    }),
  },
);
