import { join } from "node:path";
import { Dealer, Router } from "zeromq";
import { noItems } from "./no-items.ts";
import type { Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** A dealer and a router over `ipc:`, as its guide shows asynchronous requests; JSON, and a number that finds the caller again. */
export const zeromq: Peer = {
  async serve(folder) {
    const router = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
    const address = `ipc://${join(folder, `${process.pid}.zmq`)}`;
    await router.bind(address);
    void answering(router);
    return address;
  },
  async connect(address) {
    const dealer = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
    dealer.connect(address);
    const waiting = new Map<string, (answer: unknown) => void>();
    void (async () => {
      for await (const [id, body] of dealer) {
        const resolve = waiting.get(id!.toString())!;
        waiting.delete(id!.toString());
        resolve(JSON.parse(body!.toString()));
      }
    })();
    const send = inTurn(dealer);
    let last = 0;
    return {
      call: ({ order }) =>
        new Promise((resolve) => {
          const id = String(++last);
          waiting.set(id, resolve);
          send([id, JSON.stringify(order)]);
        }),
      isRight: (job, answer) => isAnswer(job.order, answer as Order),
      read: noItems("zeromq"),
    };
  },
};

async function answering(router: Router): Promise<void> {
  const send = inTurn(router);
  for await (const [caller, id, body] of router)
    send([caller!, id!, JSON.stringify(answerTo(JSON.parse(body!.toString()) as Order))]);
}

/** A socket refuses what is sent while a send is under way: so they follow each other. */
function inTurn<Part>(socket: { send(parts: Part[]): Promise<void> }): (parts: Part[]) => void {
  const waiting: Part[][] = [];
  let sending = false;
  const run = async (): Promise<void> => {
    sending = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await socket.send(next);
    sending = false;
  };
  return (parts) => {
    waiting.push(parts);
    if (!sending) void run();
  };
}
