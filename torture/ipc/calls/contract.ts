import { bytes, call, contract, duplex, stream, upload } from "trunkline";
import { loan } from "trunkline/shm";
import * as z from "zod";

const Named = z.object({ id: z.string() });
const Item = z.object({ number: z.number(), fill: z.string() });

/** What those who are killed serve, and call. */
export const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    note: call({ in: Named, out: Named }),
    count: stream({ in: z.object({ to: z.number() }), out: z.object({ number: z.number() }) }),
    tell: stream({ in: z.object({ id: z.string(), to: z.number() }), out: Item }),
    take: upload({ head: Named, in: Item, out: z.object({ taken: z.number() }) }),
    mirror: duplex({ head: Named, in: Item, out: Item }),
    swap: duplex({ head: Named, in: bytes(), out: bytes() }),
  },
);

/** The longest fill is many to a ring, and does not end where the ring does. */
const fillCharsMax = 1_021;

/** The item of that number. */
export function itemOf(number: number): z.infer<typeof Item> {
  return { number, fill: "x".repeat((number * 97) % fillCharsMax) };
}

/** Its number; throws when it is not what was sent. */
export function numberOf({ number, fill }: z.infer<typeof Item>): number {
  if (fill !== itemOf(number).fill) throw new Error(`item ${number} is not what was sent`);
  return number;
}

/** Large enough to be lent, and small enough that hundreds of them may wait to be collected. */
const sheetBytesLeast = 65_537;
const sheetBytesSpan = 100_003;

function sheetBytesOf(number: number): number {
  return sheetBytesLeast + ((number * 7_919) % sheetBytesSpan);
}

/** The sheet of that number: memory that is lent. */
export function sheetOf(number: number): Buffer {
  const sheet = loan(sheetBytesOf(number)).fill(number);
  sheet.writeUInt32BE(number);
  return sheet;
}

/** Its number; throws when it is not what was sent. */
export function numberOfSheet(given: Uint8Array): number {
  const sheet = Buffer.from(given.buffer, given.byteOffset, given.length);
  const number = sheet.readUInt32BE();
  const wanted = Buffer.alloc(sheetBytesOf(number), number);
  wanted.writeUInt32BE(number);
  if (!sheet.equals(wanted)) throw new Error(`sheet ${number} is not what was sent`);
  return number;
}
