import { milliseconds } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { hostId } from "../base/host-id.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Instance } from "../discovery/discovery.ts";
import { ttlOf } from "../discovery/keep-lease.ts";
import type { Server } from "../protocol/protocol.ts";
import { checkLane } from "../protocol/standing.ts";
import { parseAddress } from "../transport/address.ts";
import { advertised } from "./advertised.ts";
import { problemOf, type Place, type Problem } from "./problems.ts";
import { Registration, type RegistrationOptions } from "./registration.ts";
import { takeDiscovery, type TakenDiscovery } from "./registries.ts";

/** What can be told of a registration before anything listens. */
export interface RegisterTerms {
  readonly options: RegistrationOptions;
  readonly taken: TakenDiscovery;
  readonly ttlMs: number;
}

/** What is served where. */
export interface Served {
  readonly instance: string;
  readonly contracts: readonly AnyContract[];
  readonly servers: readonly Server[];
  /** Of the store of keys that it shares with others. */
  readonly keyStore: string | undefined;
}

/** `orders@1` */
export function identityOf(contract: AnyContract): string {
  const { name, major } = contract[info];
  return `${name}@${major}`;
}

/** Reads what is said of registering; what is wrong with it goes into `problems`. Undefined: it is not to be. */
export function registerTerms(
  register: boolean | RegistrationOptions | undefined,
  {
    contracts,
    places,
  }: { readonly contracts: readonly AnyContract[]; readonly places: readonly Place[] },
  problems: Problem[],
  env: Env,
): RegisterTerms | undefined {
  if (register === undefined || register === false) return undefined;
  const options = register === true ? {} : register;
  try {
    const ttlMs = ttlOf(options.ttl === undefined ? {} : { ttlMs: milliseconds(options.ttl) });
    for (const address of options.addresses ?? []) parseAddress(address);
    checkLane(options.lane);
    const taken = takeDiscovery(options.discovery, env);
    const found =
      options.addresses ??
      advertised(
        places.map(({ address }) => address),
        inside(taken),
      );
    if (contracts.length > 0 && found.length > 0 && taken.discovery.capabilities.registers)
      return { options, taken, ttlMs };
    void taken.release();
    if (!taken.discovery.capabilities.registers) throw takesNobody(taken);
    throw systemError("INVALID_ARGUMENT", "there is nothing that anybody could find", {
      executed: "no",
      advice:
        contracts.length === 0
          ? "serve a contract"
          : "listen on unix:, tcp: or another address that leaves the process",
    });
  } catch (error) {
    const { text, ...rest } = problemOf(error);
    problems.push({ text: `register: ${text}`, ...rest });
    return undefined;
  }
}

/** The registration of what listens now. */
export function registrationOf(
  { options, taken, ttlMs }: RegisterTerms,
  { instance, contracts, servers, keyStore: shared }: Served,
  env: Env,
): Registration {
  const {
    id = instance,
    lane,
    weight,
    locality,
    keyStore = shared,
    meta,
    required = false,
  } = options;
  const listening = servers.map(({ address }) => address);
  const addresses = options.addresses?.map((each) => parseAddress(each).text);
  const registered: Instance = {
    id,
    bootId: instance,
    hostId: hostId(),
    contracts: contracts.map(identityOf),
    addresses: addresses ?? advertised(listening, inside(taken)),
    state: "ready",
    ...(lane === undefined ? {} : { lane }),
    ...(weight === undefined ? {} : { weight }),
    ...(locality === undefined ? {} : { locality }),
    ...(keyStore === undefined ? {} : { keyStore }),
    ...(meta === undefined ? {} : { meta }),
  };
  return new Registration({ taken, instance: registered, ttlMs, required, env });
}

/** What is found within the process alone may have addresses that lead nowhere else. */
function inside({ discovery }: TakenDiscovery): boolean {
  return discovery.name === "memory";
}

function takesNobody({ discovery }: TakenDiscovery): Error {
  return systemError("UNIMPLEMENTED", `in ${discovery.name} nobody can register`, {
    executed: "no",
    advice: "register in directory:, etcd:// or registry+tcp://, or leave `register` out",
  });
}
