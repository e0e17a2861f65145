import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import { takeDiscovery } from "../../chassis/registries.ts";
import { info, type AnyContract } from "../../contract/contract.ts";
import type { Discovery, Instance } from "../../discovery/discovery.ts";
import { learnContracts } from "./learn-contracts.ts";

/** How long an instance is waited for, in milliseconds: a registry says within less what it knows. */
const instanceWaitMs = 10_000;

/** Addresses that are asked what is served there, one after the other. */
const askedMax = 8;

/**
 * The contract of a service, in all versions, as its instances tell it by reflection; they are found by the discovery.
 *
 * @throws TrunklineError UNAVAILABLE when no instance is found, or none says what it serves.
 */
export async function learnService(
  service: string,
  discovery: string | Discovery | undefined,
  env: Env,
): Promise<readonly AnyContract[]> {
  const { discovery: found, release } = takeDiscovery(discovery, env);
  try {
    const instances = await instancesOf(service, found, env);
    const addresses = instances.flatMap((instance) => instance.addresses).slice(0, askedMax);
    let last: unknown;
    for (const address of addresses) {
      try {
        const { contracts } = await learnContracts(address, ".");
        const own = contracts.filter((contract) => contract[info].name === service);
        if (own.length > 0) return own;
      } catch (error) {
        if (!isTrunklineError(error)) throw error;
        last = error;
      }
    }
    throw systemError("UNAVAILABLE", `no instance of ${service} says what it serves`, {
      executed: "no",
      cause: last,
      advice: "name the contract's module, or start the instances with `reflection: true`",
    });
  } finally {
    await release();
  }
}

async function instancesOf(
  service: string,
  discovery: Discovery,
  env: Env,
): Promise<readonly Instance[]> {
  const { promise, resolve } = Promise.withResolvers<readonly Instance[]>();
  const watch = discovery.watch(
    service,
    ({ instances }) => {
      if (instances.length > 0) resolve(instances);
    },
    env,
  );
  const alarm = alarmAt(env, env.now() + instanceWaitMs, () => resolve([]));
  const instances = await promise;
  env.clear(alarm);
  await watch.close();
  if (instances.length > 0) return instances;
  const reason = `${discovery.name} knows no instance of ${service} after ${instanceWaitMs / 1_000} s`;
  throw systemError("UNAVAILABLE", reason, {
    executed: "no",
    advice: "start the instances first, or name the contract's module",
  });
}
