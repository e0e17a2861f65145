import { systemError } from "../base/error.ts";
import { messageBytesMax } from "../bridge/broker/bounds.ts";
import { RemoteBroker as Contract } from "../bridge/broker/contract.ts";
import { RemoteBroker } from "../bridge/broker/remote-broker.ts";
import type { BrokerFactory } from "../broker/broker.ts";
import { memoryCapabilities } from "../broker/memory/memory-broker.ts";
import { parseAddress } from "../transport/address.ts";
import { client } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import type { Given } from "./schemes.ts";

/** What stands before the address of a broker that a Trunkline process serves: `broker+tcp://10.0.0.1:7600`. */
const brokerPrefix = "broker+";

/**
 * The make behind `broker+unix:…`, `broker+tcp://…`, `broker+tls://…` and `broker+memory:…`: the memory broker of another process
 * (see `trunkline broker`), over a Trunkline connection. `given`: transports with options of yours, as for TLS.
 */
export function remoteBroker(given: Given = {}): BrokerFactory {
  const { transports, protocols } = given;
  return {
    name: "memory",
    schemes: ["broker+memory", "broker+tcp", "broker+tls", "broker+unix"],
    capabilities: { ...memoryCapabilities, bytesMax: messageBytesMax },
    open: (text, own, env) => {
      if (!text.startsWith(brokerPrefix))
        throw systemError("INVALID_ARGUMENT", "this is no address of a broker over a connection", {
          executed: "no",
          advice: "write broker+unix:PATH or broker+tcp://HOST:PORT",
        });
      const address = parseAddress(text.slice(brokerPrefix.length)).text;
      const options: ClientOptions = {
        ...(own.waitMs === undefined ? {} : { connectWait: own.waitMs }),
        env,
        ...(transports === undefined ? {} : { transports }),
        ...(protocols === undefined ? {} : { protocols }),
      };
      const place = {
        address: `${brokerPrefix}${address}`,
        open: () => client(Contract, address, options),
      };
      return RemoteBroker.open(place, own, env);
    },
  };
}
