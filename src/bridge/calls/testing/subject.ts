import { milliseconds } from "../../../base/duration.ts";
import type { Env } from "../../../base/env.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { ClientSubject } from "../../../call/client-suite.ts";
import { makeClient } from "../../../call/client.ts";
import { Services } from "../../../call/serve.ts";
import { brokerCallCapabilities } from "../bounds.ts";
import { BrokerCaller } from "../caller.ts";
import { serveCalls } from "../server.ts";

/** Calls over a broker as the suite of clients takes them. `open` gives each side a connection of its own to the broker at an address. */
export function overBroker(
  open: (address: string, env: Env) => Promise<Broker>,
  address: () => string | Promise<string>,
  env?: () => Env,
): ClientSubject {
  return {
    capabilities: brokerCallCapabilities,
    queued: true,
    address,
    ...(env === undefined ? {} : { env }),
    serve: async (services, place, terms, surroundings) => {
      const { aroundHandler = [], checkSent = true, authorize, inFlightMax, drain = 0 } = terms;
      const serving = { interceptors: aroundHandler, checkSent, authorize };
      const broker = await open(place, surroundings);
      const dispatcher = new Services(services, serving, surroundings);
      const server = await serveCalls(broker, dispatcher, { inFlightMax }, surroundings);
      return {
        get inFlight() {
          return server.inFlight;
        },
        stop: async () => {
          const cut = await server.drain(milliseconds(drain));
          await broker.close();
          return cut;
        },
      };
    },
    connect: (contract, place, terms, surroundings) => {
      let opened: Promise<Broker> | undefined;
      const source = {
        address: place,
        open: () => (opened ??= open(place, surroundings)),
        release: async () => (await opened)?.close(),
      };
      const caller = new BrokerCaller(
        source,
        { outstandingMax: terms.outstandingMax },
        surroundings,
      );
      const calling = {
        caller,
        env: surroundings,
        deadlineMs: milliseconds(terms.deadline ?? "10s"),
        checkSent: terms.checkSent ?? true,
        aroundCall: terms.aroundCall ?? [],
        aroundAttempt: terms.aroundAttempt ?? [],
      };
      return makeClient(contract, calling, () => caller.close());
    },
  };
}
