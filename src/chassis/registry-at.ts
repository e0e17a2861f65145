import type { Env } from "../base/env.ts";
import { realEnv } from "../base/real-env.ts";
import { registryDiscovery } from "../bridge/registry/client.ts";
import { Registry } from "../bridge/registry/contract.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { parseAddress } from "../transport/address.ts";
import { client, type ClientOptions } from "./client.ts";
import type { Given } from "./schemes.ts";

/** What stands before the address of a registry where a discovery is named: `registry+tcp://10.0.0.1:7500`. */
export const registryPrefix = "registry+";

/** The longest that a registry is waited for, in milliseconds: there may be another place to ask. */
const connectWaitMs = 1_000;

/**
 * The registry at `registry+unix:./run/registry.sock`, or at one of several addresses, separated by commas, that are tried in turn.
 *
 * @throws TrunklineError INVALID_ARGUMENT when one of them is no address.
 */
export function registryAt(text: string, given: Given = {}, env: Env = realEnv()): Discovery {
  const addresses = text
    .split(",")
    .map((each) => each.trim())
    .map((each) => (each.startsWith(registryPrefix) ? each.slice(registryPrefix.length) : each));
  const { transports, protocols } = given;
  const options: ClientOptions = {
    connectWait: connectWaitMs,
    env,
    ...(transports === undefined ? {} : { transports }),
    ...(protocols === undefined ? {} : { protocols }),
  };
  const places = addresses.map((each) => {
    const address = parseAddress(each).text;
    return {
      address,
      open: () => client(Registry, address, options),
    };
  });
  return registryDiscovery(places);
}
