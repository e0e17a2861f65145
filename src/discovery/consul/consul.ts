import type { Env } from "../../base/env.ts";
import type { Discovery, Instance } from "../discovery.ts";
import { servicesOf } from "../instance.ts";
import { ttlOf, type LeaseActs } from "../keep-lease.ts";
import { Opened } from "../opened.ts";
import { answerMsDefault, type RegistryTls } from "../registry-http.ts";
import { roundMsMin, watchByRounds, type Round } from "../rounds.ts";
import { ConsulAgent } from "./agent.ts";
import { hostOf, metaOf, readEntry } from "./entry.ts";

export interface ConsulOptions {
  /** The agent of this host, or several, of which the next is asked when one does not answer. Default `http://127.0.0.1:8500`. */
  readonly urls?: readonly string[];
  /** Before the name of each service, so that several environments can use one Consul. Default none. */
  readonly prefix?: string;
  /** Where Consul asks who we are: a token with `service:read`, `node:read`, and `service:write` to register. Default: it does not. */
  readonly token?: string;
  /** For agents at `https://`. */
  readonly tls?: RegistryTls;
  /** The data center in which services are looked for. Default: the agent's. */
  readonly datacenter?: string;
  /**
   * How services are reached that others have registered, with a host and a port: `http` makes `http://host:port`. Default: they are
   * left out.
   */
  readonly scheme?: string;
  /** How long it may take to answer what needs no waiting, in milliseconds. Default 3,000. */
  readonly answerMs?: number;
  /**
   * How long one question of a watch waits for a change, in milliseconds; Consul takes up to a sixteenth more. An agent that has
   * stopped answering is noticed after that. Default 20,000, at most ten minutes.
   */
  readonly waitMs?: number;
}

/** After this time without a renewal Consul forgets what is critical; less than a minute it does not take. */
const forgetMsMin = 60_000;

/**
 * Discovery by Consul 1.8 or later, through its agents. Each service of an instance is a service of the agent, with a check that
 * lives as long as the lease; who watches is told those whose checks pass.
 */
export function consul(options: ConsulOptions = {}): Discovery {
  const { prefix = "", waitMs = 20_000 } = options;
  const agent = new ConsulAgent({
    urls: options.urls ?? ["http://127.0.0.1:8500"],
    token: options.token,
    tls: options.tls,
    datacenter: options.datacenter,
    answerMs: options.answerMs ?? answerMsDefault,
  });
  const open = new Opened();
  const close = async (): Promise<void> => {
    await open.close();
    await agent.close();
  };
  return {
    name: "consul",
    capabilities: { registers: true, expires: "lease", pushes: true, attributes: true },
    watch(service, onChange, env) {
      const name = prefix + service;
      const read = { service, scheme: options.scheme };
      const feed = watchByRounds(
        { registry: "consul", service, onChange, env },
        (round) => follow(agent, name, waitMs, read, round),
        () => open.delete(feed),
      );
      open.add(feed);
      return feed;
    },
    async register(instance, terms, env) {
      const acts = registration(agent, prefix, instance, ttlOf(terms), env);
      return open.keep(acts, instance, terms, env);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Blocking queries, one after the other: each waits until the index is above the one that is known. */
async function follow(
  agent: ConsulAgent,
  name: string,
  waitMs: number,
  read: { readonly service: string; readonly scheme: string | undefined },
  { tell, signal, pause, env }: Round,
): Promise<void> {
  let known = 0;
  while (!signal.aborted) {
    const { index, entries } = await agent.healthy(name, known, waitMs, env, signal);
    tell(entries.flatMap((entry) => readEntry(entry, read) ?? []));
    // An index that goes backwards comes from a Consul that has begun anew: nothing is known of it.
    known = index < known ? 0 : index;
    await pause(roundMsMin);
  }
}

function registration(
  agent: ConsulAgent,
  prefix: string,
  { id, bootId }: Instance,
  ttlMs: number,
  env: Env,
): LeaseActs {
  let services: readonly string[] = [];
  const idOf = (service: string): string => `${prefix}${service}:${id}`;
  // The life is part of it, so that an older one cannot keep a newer one alive.
  const checkOf = (service: string): string => `trunkline:${idOf(service)}:${bootId}`;
  const leave = async (service: string): Promise<void> => {
    if ((await agent.bootOf(idOf(service), env)) === bootId)
      await agent.deregister(idOf(service), env);
  };
  return {
    async take(instance, again) {
      const wanted = servicesOf(instance);
      const left = services.filter((service) => !wanted.includes(service));
      if (again) {
        for (const service of wanted) {
          const boot = await agent.bootOf(idOf(service), env);
          if (boot !== undefined && boot !== bootId) return false;
        }
      }
      const meta = metaOf(instance);
      services = [...new Set([...services, ...wanted])];
      for (const service of wanted) {
        await agent.register(
          {
            ID: idOf(service),
            Name: prefix + service,
            Tags: ["trunkline"],
            ...hostOf(instance),
            Meta: meta,
            Check: {
              CheckID: checkOf(service),
              Name: "trunkline lease",
              TTL: `${ttlMs}ms`,
              Status: "passing",
              DeregisterCriticalServiceAfter: `${Math.max(forgetMsMin, ttlMs)}ms`,
            },
          },
          env,
        );
      }
      for (const service of left) await leave(service);
      services = wanted;
      return true;
    },
    async renew() {
      for (const service of services) {
        if (!(await agent.pass(checkOf(service), env))) return false;
      }
      return true;
    },
    async give() {
      for (const service of services) await leave(service);
    },
  };
}
