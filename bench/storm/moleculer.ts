import { ServiceBroker, type BrokerOptions, type Context } from "moleculer";
import { deadlineMs, kinds, type Seat, type StormPeer } from "../../demo/storm/peer.ts";

const nameOf = ({ number }: Seat): string => (number === 0 ? "caller" : `replica-${number}`);

/**
 * https://moleculer.services/docs/0.14/networking#TCP-transporter with a static list of endpoints, and what
 * https://moleculer.services/docs/0.14/fault-tolerance says of timeouts, retries (for all actions alike, by the kind of
 * the error) and circuit breakers, with its values.
 */
function options(own: Seat, all: readonly Seat[]): BrokerOptions {
  return {
    nodeID: nameOf(own),
    logger: false,
    transporter: {
      type: "TCP",
      options: {
        udpDiscovery: false,
        urls: all.map((seat) => `tcp://127.0.0.1:${seat.port}/${nameOf(seat)}`),
      },
    },
    requestTimeout: deadlineMs,
    retryPolicy: { enabled: true, retries: 5, delay: 100, maxDelay: 2_000, factor: 2 },
    circuitBreaker: { enabled: true, threshold: 0.5, minRequestCount: 20, halfOpenTime: 10_000 },
    tracking: { enabled: true, shutdownTimeout: 5_000 },
  };
}

export const peer: StormPeer = {
  async serve(seat, work, all) {
    const broker = new ServiceBroker(options(seat, all));
    const action = (ctx: Context<{ id: string }>): Promise<string> => work(ctx.params.id);
    broker.createService({
      name: "storm",
      actions: Object.fromEntries(kinds.map((kind) => [kind, action])),
    });
    await broker.start(); // stops on SIGTERM by itself
  },
  async connect(replicas, own) {
    const broker = new ServiceBroker(options(own, [own, ...replicas]));
    await broker.start();
    await broker.waitForServices("storm");
    return (kind, id) => broker.call(`storm.${kind}`, { id });
  },
};
