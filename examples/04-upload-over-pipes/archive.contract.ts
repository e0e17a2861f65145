import { bytes, call, contract, upload } from "trunkline";
import * as z from "zod";

export const Archive = contract(
  "archive",
  { version: "1.0.0" },
  {
    /** The head says what comes, the items are its bytes; the answer comes when all of them are there. */
    store: upload({
      head: z.object({ name: z.string() }),
      in: bytes(),
      out: z.object({ bytes: z.int(), sha256: z.string() }),
      errors: { TOO_LARGE: z.object({ bytesMax: z.int() }) },
    }),
    /** What is there, whole. */
    names: call({ out: z.array(z.string()), idempotent: true }),
  },
);
