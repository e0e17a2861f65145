import type { Duration } from "../base/duration.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { gateway, type Gateway } from "./gateway.ts";
import type { GatewaySettings } from "./options.ts";

export interface RouterOptions extends Partial<GatewaySettings> {
  /** Where to listen, in any protocol. */
  readonly listen: string | readonly string[];
  /** What is handed on. */
  readonly contracts: readonly AnyContract[];
  /** Where the instances are found: an address (`etcd://…`) or a discovery. Default: as for `client()`. */
  readonly discovery?: string | Discovery;
  /** The longest that an answer may take to begin; callers may set less. Default: what the contract says, or 10 s. */
  readonly deadline?: Duration;
}

/**
 * Server-side discovery: a process in the middle that finds the instances of services, for callers that know one address. Each
 * operation goes to `service:` and the name of its contract, through the same endpoints, balancer and gates as those of a client.
 *
 * @throws TrunklineError that lists every problem at once; nothing listens then.
 */
export function router(options: RouterOptions): Promise<Gateway> {
  const { contracts, discovery, deadline, upstream, ...settings } = options;
  const services = new Set(contracts.map((contract) => contract[info].name));
  return gateway({
    name: "router",
    ...settings,
    contracts,
    upstream: { ...upstream, ...(discovery === undefined ? {} : { discovery }) },
    routes: [...services].map((name) => ({
      name,
      match: { operation: `${name}.*` },
      to: `service:${name}`,
      ...(deadline === undefined ? {} : { deadline }),
    })),
  });
}
