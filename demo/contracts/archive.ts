import * as z from "zod";
import { call, contract, stream, upload } from "trunkline";
import { Leg } from "./navigator.ts";

const entry = z.int().nonnegative();

/** Which sheet: a tower's flights from the entry behind `after` on. */
const SheetHead = z.object({ tower: z.string(), after: entry });

export const Sheet = SheetHead.extend({
  /** The last entry on it. */
  upTo: entry,
  flights: z.int().nonnegative(),
  miles: z.number().nonnegative(),
  /** SHA-256 of its text, in hexadecimal digits. */
  digest: z.string(),
});
/** What the archive says of a sheet that it has. */
export type Sheet = z.infer<typeof Sheet>;

export const Arrival = z.discriminatedUnion("what", [
  SheetHead.extend({ what: z.literal("begun") }),
  SheetHead.extend({ what: z.literal("cut"), flights: z.int().nonnegative() }),
  Sheet.extend({ what: z.literal("stored") }),
]);
/** What becomes of the sheets that are handed in. */
export type Arrival = z.infer<typeof Arrival>;

/** Keeps the log sheets of the towers, on another host: reached over TLS, by who has a certificate. */
export const Archive = contract(
  "archive",
  { version: "1.0.0" },
  {
    last: call({
      in: z.string(),
      out: entry,
      idempotent: true,
      description: "The last entry that it has of a tower; 0 when there is none.",
    }),
    store: upload({
      head: SheetHead,
      in: Leg,
      out: Sheet,
      errors: {
        /** It begins elsewhere than where the sheet before ended, at `upTo`. */
        OUT_OF_TURN: z.object({ upTo: entry }),
        /** An entry that is not behind the one before. */
        OUT_OF_ORDER: z.object({ entry }),
      },
      description: "One sheet. It is kept when all of it has come, or not at all.",
    }),
    arrivals: stream({
      out: Arrival,
      deadline: "2m", // to the first sheet
      description: "What has become of each sheet, from the first on, and then as it happens.",
    }),
  },
);
