import type { Caller, Protocol, Server } from "../../protocol/protocol.ts";
import type { Address } from "../../transport/address.ts";
import { brokerCallCapabilities } from "./bounds.ts";
import { BrokerCaller, type BrokerSource } from "./caller.ts";
import { serveCalls, type CallServerOptions } from "./server.ts";

/**
 * Calls by way of a broker as a protocol. `take` gives the broker at an address, to who names itself so; `leavesOut` names contracts that
 * nobody is to ask for there.
 */
export function brokerCalls(
  take: (address: Address, name: string) => BrokerSource,
  leavesOut: CallServerOptions["leavesOut"],
): Protocol {
  return {
    name: "broker",
    capabilities: brokerCallCapabilities,
    connect: (address, options, env): Caller =>
      new BrokerCaller(take(address, options.instance ?? "anonymous"), options, env),
    serve: async (address, dispatcher, options, env): Promise<Server> => {
      const source = take(address, options.instance ?? "anonymous");
      const { inFlightMax } = options;
      try {
        const broker = await source.open();
        const server = await serveCalls(broker, dispatcher, { inFlightMax, leavesOut }, env);
        return {
          address,
          get inFlight() {
            return server.inFlight;
          },
          connections: 1,
          deserted: new Promise(() => {}), // whoever asks can always come
          drain: async (withinMs) => {
            const cut = await server.drain(withinMs);
            await source.release();
            return cut;
          },
        };
      } catch (error) {
        await source.release();
        throw error;
      }
    },
  };
}
