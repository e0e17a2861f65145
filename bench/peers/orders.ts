import { bytes, call, contract, stream } from "trunkline";
import * as z from "zod";
import { blockAt, orderAt } from "../items.ts";
import { answerTo, type Order } from "../work.ts";

const order = z.object({ id: z.string(), quantity: z.int(), note: z.string() });

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: order, out: order }),
    watch: stream({ in: z.number(), out: order }),
    blocks: stream({ in: z.number(), out: bytes() }),
  },
);

/** What serving costs, for where the server's process is not ours. */
export const Usage = contract(
  "usage",
  { version: "1.0.0" },
  { cpuUs: call({ in: z.null(), out: z.number() }) },
);

export const handlers = {
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
