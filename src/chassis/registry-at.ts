import type { Env } from "../base/env.ts";
import { realEnv } from "../base/real-env.ts";
import { SharedEvidence, type EvidenceTerms } from "../bridge/evidence/client.ts";
import { EvidenceExchange } from "../bridge/evidence/contract.ts";
import type { Place } from "../bridge/places.ts";
import { registryDiscovery } from "../bridge/registry/client.ts";
import { Registry } from "../bridge/registry/contract.ts";
import type { Client } from "../call/client-type.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { parseAddress } from "../transport/address.ts";
import { client } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
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
  return registryDiscovery(placesOf(Registry, text, given, env));
}

/**
 * The evidence that those who use the same registry exchange. To be closed by whoever asked for it.
 *
 * @throws TrunklineError INVALID_ARGUMENT when one of the addresses is none, or the quorum is too small.
 */
export function evidenceAt(
  text: string,
  terms: EvidenceTerms,
  given: Given = {},
  env: Env = realEnv(),
): SharedEvidence {
  return new SharedEvidence(placesOf(EvidenceExchange, text, given, env), terms, env);
}

function placesOf<C extends AnyContract>(
  contract: C,
  text: string,
  { transports, protocols }: Given,
  env: Env,
): readonly Place<Client<C> & AsyncDisposable>[] {
  const options: ClientOptions = {
    connectWait: connectWaitMs,
    env,
    ...(transports === undefined ? {} : { transports }),
    ...(protocols === undefined ? {} : { protocols }),
  };
  return text.split(",").map((each) => {
    const trimmed = each.trim();
    const plain = trimmed.startsWith(registryPrefix)
      ? trimmed.slice(registryPrefix.length)
      : trimmed;
    const address = parseAddress(plain).text;
    return { address, open: () => client(contract, address, options) };
  });
}
