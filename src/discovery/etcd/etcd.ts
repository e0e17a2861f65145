import type { Env } from "../../base/env.ts";
import type { Discovery, Instance } from "../discovery.ts";
import { servicesOf, writeInstance } from "../instance.ts";
import { ttlOf, type LeaseActs } from "../keep-lease.ts";
import { Opened } from "../opened.ts";
import { answerMsDefault, type RegistryTls } from "../registry-http.ts";
import { roundMsMin, watchByRounds, type Round } from "../rounds.ts";
import {
  base64,
  endOf,
  EtcdGateway,
  text,
  type Change,
  type KeyValue,
  type Put,
} from "./gateway.ts";

export interface EtcdOptions {
  /** The members of the cluster: `http://host:2379`. When one does not answer, the next is asked. Default `http://127.0.0.1:2379`. */
  readonly urls?: readonly string[];
  /** Before every key, so that others can use the same cluster. Default `trunkline/`. */
  readonly prefix?: string;
  /** Where etcd asks who we are. Default: it does not. */
  readonly user?: { readonly name: string; readonly password: string };
  /** For members at `https://`. */
  readonly tls?: RegistryTls;
  /** How long it may take to answer, in milliseconds. Default 3,000. */
  readonly answerMs?: number;
  /**
   * How often a watch asks for everything anew, in milliseconds, give or take a quarter: so a member that has stopped answering is
   * noticed, and what a watch has missed is made good. Default 20,000.
   */
  readonly resyncMs?: number;
}

/**
 * Discovery by etcd 3.4 or later, over its JSON gateway. Each service of an instance has a key,
 * `trunkline/services/NAME/ID`, and `trunkline/owners/ID` says which life of the instance has put them; all hang on one lease.
 */
export function etcd(options: EtcdOptions = {}): Discovery {
  const { prefix = "trunkline/", resyncMs = 20_000 } = options;
  const gateway = new EtcdGateway({
    urls: options.urls ?? ["http://127.0.0.1:2379"],
    user: options.user,
    tls: options.tls,
    answerMs: options.answerMs ?? answerMsDefault,
  });
  const open = new Opened();
  const close = async (): Promise<void> => {
    await open.close();
    await gateway.close();
  };
  return {
    name: "etcd",
    capabilities: { registers: true, expires: "lease", pushes: true, attributes: true },
    watch(service, onChange, env) {
      const from = `${prefix}services/${encodeURIComponent(service)}/`;
      const feed = watchByRounds(
        { registry: "etcd", service, onChange, env },
        (round) => follow(gateway, from, resyncMs, round),
        () => open.delete(feed),
      );
      open.add(feed);
      return feed;
    },
    async register(instance, terms, env) {
      const acts = registration(gateway, prefix, instance, ttlOf(terms), env);
      return open.keep(acts, instance, terms, env);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Reads all keys and then the changes from the next revision on, until it is time to read all again. */
async function follow(
  gateway: EtcdGateway,
  from: string,
  resyncMs: number,
  { tell, signal, pause, env }: Round,
): Promise<void> {
  for (;;) {
    const { revision, found } = await gateway.range(from, endOf(from), env, signal);
    const held = new Map(found.map(({ key, value }) => [key, text(value)]));
    tell(held.values());
    const ask = {
      from,
      end: endOf(from),
      revision: revision + 1n,
      forMs: resyncMs * (0.75 + env.random() / 2),
    };
    const hear = (changes: readonly Change[]): void => {
      for (const { key, value } of changes) {
        if (value === undefined) held.delete(key);
        else held.set(key, text(value));
      }
      tell(held.values());
    };
    if ((await gateway.watch(ask, hear, env, signal)) === "ended" || signal.aborted) return;
    await pause(roundMsMin);
  }
}

function registration(
  gateway: EtcdGateway,
  prefix: string,
  { id, bootId }: Instance,
  ttlMs: number,
  env: Env,
): LeaseActs {
  const owner = `${prefix}owners/${encodeURIComponent(id)}`;
  let lease: string | undefined;
  return {
    async take(instance, again) {
      const before = lease;
      const value = base64(writeInstance(instance));
      // Whole seconds: a lease of etcd lives a little longer rather than a little shorter.
      const taken = await gateway.grant(Math.ceil(ttlMs / 1_000), env);
      const services = servicesOf(instance).map((service): KeyValue => ({
        key: `${prefix}services/${encodeURIComponent(service)}/${encodeURIComponent(id)}`,
        value,
      }));
      const puts = [{ key: owner, value: base64(bootId) }, ...services].map((each): Put => ({
        ...each,
        lease: taken,
      }));
      if (
        !(await gateway.put(puts, again ? { key: owner, value: base64(bootId) } : undefined, env))
      ) {
        await gateway.revoke(taken, env);
        return false;
      }
      lease = taken;
      // What still hangs on the old one is not served any more; what was put again hangs on the new one.
      if (before !== undefined) await gateway.revoke(before, env);
      return true;
    },
    async renew() {
      if (lease === undefined || !(await gateway.keepAlive(lease, env))) return false;
      const { found } = await gateway.range(owner, undefined, env);
      return found[0]?.value === base64(bootId);
    },
    async give() {
      if (lease !== undefined) await gateway.revoke(lease, env);
    },
  };
}
