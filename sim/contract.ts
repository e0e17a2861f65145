import { call, contract, duplex, notification, stream, upload, type Input } from "trunkline";
import { z } from "zod";

/** A text that its receiver marks: who reads it twice, or not at all, is found out. */
const marked = z.string().transform((text) => `${text}+`);

/** How a handler ends: as it says, with what its contract does not allow (`invalid`), or never by itself (`wait`). */
const end = z.enum(["answer", "declared", "invalid", "throw", "refuse", "wait"]);

/** What a handler asks in its turn: an answer, or to take its items. */
const hop = z.object({
  member: z.enum(["perform", "gather", "talk"]),
  /** It asks who has called it, over the same connection, and no server. */
  back: z.boolean(),
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

/** One of many items, either way: `pad` is `padOf` its number. */
const piece = z.object({ id: z.string(), n: z.number(), mark: marked, pad: z.string() });

/** What the handler of an upload or duplex does with the items that come, and gives. */
const transfer = z.object({
  id: z.string(),
  mark: marked,
  /** Those of one lane take turns. */
  lane: z.string().optional(),
  turn: z.number(),
  /** The size of each item, both ways. */
  bytes: z.number(),
  /** After so many items it reads no more, */
  reads: z.number(),
  /** and says so although it goes on. */
  stops: z.boolean(),
  /** How long it works on each. */
  paceMs: z.number(),
  /** A duplex gives an item for each that it reads, or its own, before it reads any or after. */
  manner: z.enum(["echo", "speak", "listen"]),
  /** How many items of its own it gives. */
  gives: z.number(),
  end,
  heeds: z.boolean(),
});

const receipt = z.object({ id: z.string(), mark: marked, count: z.number() });

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
    gather: upload({
      head: transfer,
      in: piece,
      out: receipt,
      errors: { SOLD_OUT: soldOut },
      key: "lane",
    }),
    /** Without a head: a header says what the handler does. */
    pour: upload({ in: piece, out: receipt, errors: { SOLD_OUT: soldOut } }),
    talk: duplex({ head: transfer, in: piece, out: piece, errors: { SOLD_OUT: soldOut } }),
    chat: duplex({ in: piece, out: piece, errors: { SOLD_OUT: soldOut } }),
  },
);

export type Job = Input<typeof job>;
export type Hop = Input<typeof hop>;
export type Flow = Input<(typeof Work)["flow"]["in"]>;
export type End = Input<typeof end>;
export type Piece = Input<typeof piece>;
export type Transfer = Input<typeof transfer>;

/** What fills an item: fragments of two streams, or of two items, are told apart. */
export function padOf(id: string, n: number, bytes: number): string {
  let sum = n;
  for (let i = 0; i < id.length; i++) sum = sum * 31 + id.charCodeAt(i);
  return String.fromCharCode(97 + (Math.abs(sum) % 26)).repeat(bytes);
}
