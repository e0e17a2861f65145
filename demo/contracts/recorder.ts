import * as z from "zod";
import { call, contract } from "trunkline";
import { kinds } from "./kinds.ts";

/** One side of one request, as the process on that side saw it. */
export const Span = z.object({
  process: z.string(),
  side: z.enum(["client", "server"]),
  /** The same on both sides. */
  id: z.string(),
  /** The request in whose handler this one was made; absent where a trace begins. */
  parent: z.string().optional(),
  operation: z.string(),
  kind: z.enum(kinds),
  /** The transport of its address. */
  over: z.string(),
  /** When it ended, in milliseconds since 1970. */
  endedAt: z.number(),
  us: z.int().nonnegative(),
});
export type Span = z.infer<typeof Span>;

/** What every process serves to the control room, over the connection that it has made itself. */
export const Recorder = contract(
  "recorder",
  { version: "1.0.0" },
  {
    spans: call({
      in: z.string(),
      out: z.array(Span),
      idempotent: true,
      description: "What this process remembers of a trace.",
    }),
  },
);
