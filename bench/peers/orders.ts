import { bytes, call, contract, duplex, stream, upload, type Handlers } from "trunkline";
import * as z from "zod";
import { blockAt, isBlockAt, isOrderAt, orderAt } from "../items.ts";
import { wrong } from "../peer.ts";
import { answerTo, type Order } from "../work.ts";

const order = z.object({ id: z.string(), quantity: z.int(), note: z.string() });

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: order, out: order }),
    watch: stream({ in: z.number(), out: order }),
    blocks: stream({ in: z.number(), out: bytes() }),
    take: upload({ in: order, out: z.int() }),
    takeBlocks: upload({ in: bytes(), out: z.int() }),
    talk: duplex({ in: order, out: order }),
    talkBlocks: duplex({ in: bytes(), out: bytes() }),
  },
);

/** What serving costs, for where the server's process is not ours. */
export const Usage = contract(
  "usage",
  { version: "1.0.0" },
  { cpuUs: call({ in: z.null(), out: z.number() }) },
);

/** Takes and checks all items; answers with how many came. */
async function taken<Item>(
  items: AsyncIterable<Item>,
  isAt: (index: number, item: Item) => boolean,
): Promise<number> {
  let index = 0;
  for await (const item of items) {
    if (!isAt(index, item)) throw wrong(index);
    index++;
  }
  return index;
}

export const handlers: Handlers<typeof Orders> = {
  take: (items) => taken(items, isOrderAt),
  takeBlocks: (items) => taken(items, isBlockAt),
  talk: (items) => items,
  talkBlocks: (items) => items,
  async place(input: Order) {
    return answerTo(input);
  },
  async *watch(count: number) {
    for (let index = 0; index < count; index++) yield orderAt(index);
  },
  async *blocks(count: number) {
    for (let index = 0; index < count; index++) yield blockAt(index);
  },
};
