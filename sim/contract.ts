import { call, contract, notification, stream, type Input } from "trunkline";
import { z } from "zod";

/** A text that its receiver marks: who reads it twice, or not at all, is found out. */
const marked = z.string().transform((text) => `${text}+`);

/** How a handler ends: as it says, with what its contract does not allow (`invalid`), or never by itself (`wait`). */
const end = z.enum(["answer", "declared", "invalid", "throw", "refuse", "wait"]);

/** A call that the handler makes in its turn. */
const hop = z.object({
  server: z.number(),
  id: z.string(),
  ms: z.number(),
  end,
  heeds: z.boolean(),
  deadlineMs: z.number().optional(),
  /** The handler answers although this call has failed. */
  forgives: z.boolean(),
});

const job = z.object({
  id: z.string(),
  mark: marked,
  /** How long the handler works. */
  ms: z.number(),
  end,
  /** The handler stops when it is told to. */
  heeds: z.boolean(),
  pad: z.string(),
  hops: z.array(hop),
});

const soldOut = z.object({ id: z.string(), mark: marked });

/** What the simulated servers do: each input says how its handler behaves. */
export const Work = contract(
  "work",
  { version: "1.0.0" },
  {
    perform: call({
      in: job,
      out: z.object({ id: z.string(), mark: marked, pad: z.string() }),
      errors: { SOLD_OUT: soldOut },
      idempotent: "by-key",
    }),
    inTurn: call({
      in: z.object({
        id: z.string(),
        mark: marked,
        lane: z.string(),
        turn: z.number(),
        ms: z.number(),
        pad: z.string(),
      }),
      out: z.object({ id: z.string() }),
      key: "lane",
    }),
    flow: stream({
      in: z.object({
        id: z.string(),
        mark: marked,
        count: z.number(),
        everyMs: z.number(),
        bytes: z.number(),
        end,
        heeds: z.boolean(),
      }),
      out: z.object({ n: z.number(), mark: marked, pad: z.string() }),
      errors: { SOLD_OUT: soldOut },
    }),
    note: notification({
      in: z.object({ id: z.string(), mark: marked, ms: z.number(), pad: z.string() }),
    }),
  },
);

export type Job = Input<typeof job>;
export type Hop = Input<typeof hop>;
export type Flow = Input<(typeof Work)["flow"]["in"]>;
export type End = Input<typeof end>;
