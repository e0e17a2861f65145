import { call, contract } from "trunkline";
import * as z from "zod";

export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    /** Answers what it was given. */
    up: call({ in: z.int(), out: z.int() }),
    /** Who asks, as the server sees it. */
    who: call({
      in: z.null(),
      out: z.object({ address: z.string(), subject: z.string().optional() }),
    }),
  },
);

/** What both programs are started with, as JSON. */
export interface Terms {
  readonly address: string;
  readonly sameHost?: "auto" | "off";
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}
