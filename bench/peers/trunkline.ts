import { bytes, call, chassis, client, contract, serve, stream } from "trunkline";
import * as z from "zod";
import { blockAt, isBlockAt, isOrderAt, orderAt, type Flow } from "../items.ts";
import { endless, wrong, type Connected, type Peer } from "../peer.ts";
import { answerTo, isAnswer, type Job, type Order } from "../work.ts";

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

/** Everything that is on by default; the schemas check each value where it is sent and where it arrives. */
export const trunkline: Peer = {
  async serve(path) {
    const handlers = {
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
    const listen = `unix:${path}`;
    await chassis({
      name: "orders",
      listen,
      serve: [serve(Orders, handlers)],
      checkSent: true,
      signals: false,
    });
  },
  async connect(path) {
    return connected(client(Orders, `unix:${path}`, { checkSent: true }));
  },
};

function connected(orders: ReturnType<typeof client<typeof Orders>>): Connected {
  return {
    call: (job: Job) => orders.place(job.order),
    isRight: (job, answer) => isAnswer(job.order, answer as Order),
    async read(flow: Flow, over) {
      let index = 0;
      if (flow === "64 B") {
        for await (const item of orders.watch(endless)) {
          if (!isOrderAt(index, item)) throw wrong(index);
          index++;
          if (over()) break;
        }
      } else {
        for await (const item of orders.blocks(endless)) {
          if (!isBlockAt(index, item)) throw wrong(index);
          index++;
          if (over()) break;
        }
      }
      return index;
    },
  };
}
