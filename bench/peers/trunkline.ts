import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { chassis, client, serve, type ClientOptions } from "trunkline";
import { stdio } from "trunkline/transport/stdio";
import { tls } from "trunkline/transport/tls";
import { unix } from "trunkline/transport/unix";
import { issueIn, trusted } from "../certificate.ts";
import { endless, wrong, type Connected, type Peer } from "../peer.ts";
import { blockAt, isBlockAt, isOrderAt, orderAt, type Flow } from "../items.ts";
import { cpuUs } from "../usage.ts";
import { isAnswer, type Job } from "../work.ts";
import { handlers, Orders, Usage } from "./orders.ts";

type Transports = ClientOptions["transports"];

const socketOnly = unix({ shm: "off" });

/** Over a Unix socket, and from there in shared memory. */
export const trunkline: Peer = {
  serve: async (folder) => serveAt(`unix:${join(folder, `${process.pid}.sock`)}`),
  connect: async (place) => connected(place),
};

/** The same, without shared memory. */
export const trunklineSocket: Peer = {
  serve: async (folder) => serveAt(`unix:${join(folder, `${process.pid}.sock`)}`, [socketOnly]),
  connect: async (place) => connected(place, [socketOnly]),
};

export const trunklineTcp: Peer = {
  serve: () => serveAt("tcp://127.0.0.1:0"),
  connect: async (place) => connected(place),
};

export const trunklineTls: Peer = {
  async serve(folder) {
    const { cert, key, ca } = issueIn(folder);
    return `${await serveAt("tls://127.0.0.1:0", [tls({ cert, key })])} ${ca}`;
  },
  async connect(place) {
    const [address, ca] = place.split(" ");
    return connected(address!, [tls({ ca: trusted(ca!) })]);
  },
};

/** Both sides in one thread. */
export const trunklineMemory: Peer = {
  connect: async () => connected(await serveAt("memory:bench")),
};

/** The server in a thread of its own. */
export const trunklineWorker: Peer = {
  async connect() {
    const thread = new Worker(join(import.meta.dirname, "orders-thread.ts"));
    const [address] = (await once(thread, "message")) as [string];
    return connected(address);
  },
};

/** The server in a child process, over its pipes. */
export const trunklineStdio: Peer = {
  async connect() {
    const program = join(import.meta.dirname, "orders-child.ts");
    const command = process.execPath;
    const transports = [stdio({ command, args: [...process.execArgv, program] })];
    const usage = client(Usage, "stdio:", { transports });
    return { ...connected("stdio:", transports), otherCpuUs: () => usage.cpuUs(null) };
  },
};

/** Everything that is on by default; the schemas check each value where it is sent and where it arrives. */
export async function serveAt(listen: string, transports?: Transports): Promise<string> {
  const { addresses } = await chassis({
    name: "orders",
    listen,
    serve: [serve(Orders, handlers), serve(Usage, { cpuUs })],
    checkSent: true,
    signals: false,
    ...(transports === undefined ? {} : { transports }),
  });
  return addresses[0]!;
}

function connected(address: string, transports?: Transports): Connected {
  const orders = client(Orders, address, {
    checkSent: true,
    ...(transports === undefined ? {} : { transports }),
  });
  return {
    call: (job: Job) => orders.place(job.order),
    isRight: (job, answer) =>
      isAnswer(job.order, answer as Awaited<ReturnType<typeof orders.place>>),
    read: (flow: Flow, over) =>
      flow === "64 B"
        ? countUntil(orders.watch(endless), isOrderAt, over)
        : countUntil(orders.blocks(endless), isBlockAt, over),
    upload: (flow, over) =>
      flow === "64 B" ? orders.take(until(orderAt, over)) : orders.takeBlocks(until(blockAt, over)),
    duplex: (flow, over) =>
      flow === "64 B"
        ? countUntil(orders.talk(until(orderAt, over)), isOrderAt)
        : countUntil(orders.talkBlocks(until(blockAt, over)), isBlockAt),
  };
}

/** Reads and checks items until `over` says so, or to their end. */
async function countUntil<Item>(
  items: AsyncIterable<Item>,
  isAt: (index: number, item: Item) => boolean,
  over: () => boolean = () => false,
): Promise<number> {
  let index = 0;
  for await (const item of items) {
    if (!isAt(index, item)) throw wrong(index);
    index++;
    if (over()) break;
  }
  return index;
}

/** One item at least: on a busy machine the time may be over before the server has accepted. */
function* until<Item>(itemAt: (index: number) => Item, over: () => boolean): Generator<Item> {
  for (let index = 0; index === 0 || !over(); index++) yield itemAt(index);
}
