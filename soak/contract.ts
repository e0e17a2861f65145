import { bytes, call, contract, duplex, notification, stream, upload } from "trunkline";
import * as z from "zod";

const Item = z.object({ number: z.int(), filler: z.string() });

/** Something of each kind, and of each way to fail. */
export const Mixed = contract(
  "mixed",
  { version: "1.0.0" },
  {
    echo: call({ in: Item, out: Item, idempotent: true }),
    blob: call({ in: bytes(), out: bytes() }),
    /** Always fails, as declared. */
    refuse: call({ in: z.int(), out: z.null(), errors: { NO: z.int() } }),
    /** Always fails, and nobody expected it. */
    crash: call({ in: z.null(), out: z.null() }),
    /** Answers after so many milliseconds, or fails when nobody waits for it any more. */
    wait: call({ in: z.int(), out: z.null() }),
    /** Numbers from 0, below the one given. */
    count: stream({ in: z.int(), out: Item }),
    /** So many blocks, each filled with its number. */
    blocks: stream({ in: z.int(), out: bytes() }),
    /** Answers with how many blocks came; each is filled with its number. Stops to read at the number given. */
    store: upload({ head: z.object({ stopAt: z.int() }), in: bytes(), out: z.int() }),
    /** Gives each item back, until the number given. */
    talk: duplex({ head: z.object({ stopAt: z.int() }), in: Item, out: Item }),
    note: notification({ in: z.int() }),
    /** How many notes have come. */
    noted: call({ in: z.null(), out: z.int() }),
  },
);

export const blockBytes = 64 * 1024;
