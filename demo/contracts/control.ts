import * as z from "zod";
import { call, contract, notification } from "trunkline";
import { kinds } from "./kinds.ts";

const count = z.int().nonnegative();

/** A process: a name can have several lives, each with its own pid. */
const Member = z.object({ name: z.string(), pid: z.int().positive() });

/** How often what went wrong where. */
const Trouble = z.object({
  tower: z.string(),
  operation: z.string(),
  code: z.string(),
  executed: z.enum(["no", "maybe", "yes"]),
  /** Only a try failed: the call went on elsewhere. */
  moved: z.boolean(),
  count,
});
export type Trouble = z.infer<typeof Trouble>;

export const DeskCounts = z.object({
  cleared: count,
  /** Clearances that were tried again, with the same key, after a try that perhaps came through. */
  triedAgain: count,
  /** Those of them that had come through: the ledger knew the key. */
  alreadyDone: count,
  /** Entered before, though every earlier try had been reported as not executed. */
  untrue: count,
  hung: count,
  untyped: count,
  troubles: z.array(Trouble),
});
export type DeskCounts = z.infer<typeof DeskCounts>;

/** What a process has done since it began; the latencies only since the report before. */
export const Report = Member.extend({
  /** What it asked of others, by kind. */
  made: z.record(z.enum(kinds), count),
  /** Connections that it opened, by the scheme of their address; those that came to shared memory; those looked at a second later, and those on TCP then. */
  opened: z.record(z.string(), count),
  /** Exceptions that no contract declares. */
  incidents: count,
  latenciesUs: z.array(z.int()),
  desk: DeskCounts.optional(),
});
export type Report = z.infer<typeof Report>;

/** The room from which all is watched. Each process says when it is there, how it goes, and what it came to. */
export const Control = contract(
  "control",
  { version: "1.0.0" },
  {
    standing: call({ in: Member, description: "Started; it may still have to listen." }),
    ready: call({
      in: Member.extend({ address: z.string().optional() }),
      description:
        "At work, at an address that could not be known before, or at the one agreed on.",
    }),
    progress: notification({ in: Report, key: "name" }),
    finished: call({ in: Report, description: "The last report of this process." }),
  },
);
