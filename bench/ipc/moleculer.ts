import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { ServiceBroker, type BrokerOptions, type Context } from "moleculer";
import { noItems } from "./no-items.ts";
import type { Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** moleculer over its TCP transporter, with a static list of endpoints; all else is its default, tracing and metrics off. */
export const moleculer: Peer = {
  async serve() {
    const ports = [await freePort(), await freePort()];
    const broker = new ServiceBroker(options("server", ports));
    broker.createService({
      name: "orders",
      actions: { place: (context: Context<Order>) => answerTo(context.params) },
    });
    await broker.start();
    return ports.join(" ");
  },
  async connect(place) {
    const broker = new ServiceBroker(options("client", place.split(" ").map(Number)));
    await broker.start();
    await broker.waitForServices("orders");
    return {
      call: ({ order }) => broker.call("orders.place", order),
      isRight: (job, answer) => isAnswer(job.order, answer as Order),
      read: noItems("moleculer"),
    };
  },
};

function options(nodeID: "server" | "client", [server, client]: readonly number[]): BrokerOptions {
  const urls = [`tcp://127.0.0.1:${server}/server`, `tcp://127.0.0.1:${client}/client`];
  return {
    nodeID,
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, urls } },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
