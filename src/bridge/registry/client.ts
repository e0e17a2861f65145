import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Client } from "../../call/client-type.ts";
import { detached } from "../../call/served-context.ts";
import type {
  Discovery,
  DiscoveryCapabilities,
  Instance,
  Lease,
  Watch,
} from "../../discovery/discovery.ts";
import { Feed, type FeedSource } from "../../discovery/feed.ts";
import { keepLease, ttlOf, type LeaseActs } from "../../discovery/keep-lease.ts";
import { askMs, lookWaits, Places, type Place } from "../places.ts";
import { watchIdleMs } from "./bounds.ts";
import type { Registry, RegistrySnapshot } from "./contract.ts";

export type RegistryClient = Client<typeof Registry> & AsyncDisposable;

/** One address at which the registry can be reached. */
export type RegistryPlace = Place<RegistryClient>;

type RegistryPlaces = Places<RegistryClient>;

/** How often who is not at the first place looks whether that answers again, in milliseconds: before a lease there is over. */
const lookBackMs = 1_000;

const capabilities: DiscoveryCapabilities = {
  registers: true,
  expires: "lease",
  pushes: true,
  attributes: true,
};

/**
 * Finds instances in a registry that is itself served by Trunkline. Several places are addresses of one registry, or of one and
 * the one that stands in for it: they are tried in turn, the first one first. While none answers whoever watches keeps the last
 * instances; leases are taken anew when one answers again.
 */
export function registryDiscovery(places: readonly RegistryPlace[]): Discovery {
  const asked = new Places(places);
  const open = new Set<Watch | Lease>();
  const registering = new Set<Promise<Lease>>();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([...open].map((each) => each.close()));
    open.clear();
    await Promise.allSettled(registering);
    await asked.close();
  };
  const register: Discovery["register"] = async (instance, options, env) => {
    const acts = leaseActs(asked, ttlOf(options), env, () => void open.delete(lease));
    const lease: Lease = await keepLease(acts, instance, options, env);
    // Closed meanwhile: it is given back while it still can be.
    if (closed !== undefined) await lease.close();
    else open.add(lease);
    return lease;
  };
  const closeOnce = (): Promise<void> => (closed ??= close());
  return {
    name: "registry",
    capabilities,
    watch(service, onChange, env) {
      const watching = new Watching(service, asked, env, () => void open.delete(feed));
      const feed: Feed = new Feed({ registry: "registry", service, onChange, env }, watching);
      open.add(feed);
      watching.begin(feed);
      return feed;
    },
    register(instance, options, env) {
      const registered = register(instance, options, env);
      registering.add(registered);
      return registered.finally(() => registering.delete(registered));
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** `ended` hears that the lease is being given back. */
function leaseActs(asked: RegistryPlaces, ttlMs: number, env: Env, ended: () => void): LeaseActs {
  const bornAt = env.now();
  let lease = "";
  /** The place that has the lease. */
  let home = 0;
  return {
    async take(instance, again) {
      const taken = await asked.ask(async (registry, deadline, index) => {
        const ageMs = env.now() - bornAt;
        const result = await registry.register.result(
          { instance, ttlMs, again, ageMs },
          { deadline },
        );
        if (!result.ok && result.error.code !== "DISPLACED") throw result.error; // the next place may take it
        home = index;
        return result;
      });
      if (taken.ok) lease = taken.value.lease;
      return taken.ok;
    },
    async renew() {
      const { known } = await asked.ask((registry, deadline) =>
        registry.renew({ lease }, { deadline }),
      );
      return known;
    },
    async give() {
      ended();
      await detached(() => asked.client(home).deregister({ lease }, { deadline: askMs }));
    },
  };
}

/** Whether one of the first `count` places answers now. */
async function answers(places: RegistryPlaces, count: number): Promise<boolean> {
  for (let index = 0; index < count; index++) {
    // The smallest thing that can be asked: there is no such lease.
    const asked = places.client(index).renew.result({ lease: "" }, { deadline: askMs });
    if ((await asked).ok) return true;
  }
  return false;
}

/** Follows one service through all lives of the registry. */
class Watching implements FeedSource {
  readonly #service: string;
  readonly #places: RegistryPlaces;
  readonly #env: Env;
  readonly #ended: () => void;
  #feed: Feed | undefined;
  #closed = false;
  #running: Promise<void> | undefined;
  /** Ends the stream that is read, or the wait for the next one. */
  #interrupt: (() => void) | undefined;
  #waitUntil: Alarm | undefined;
  /** Asked for anew: the loss of the stream says nothing of the registry. */
  #anew = false;
  #failures = 0;
  #spreadMs = 0;
  /** The life of the registry that spoke last. */
  #epoch = "";
  /** Those whom the life before knew, and this one may still come to know. */
  #missing = new Map<string, Instance>();

  constructor(service: string, places: RegistryPlaces, env: Env, ended: () => void) {
    this.#service = service;
    this.#places = places;
    this.#env = env;
    this.#ended = ended;
  }

  begin(feed: Feed): void {
    this.#feed = feed;
    this.#running = detached(() => this.#run());
  }

  refresh(): void {
    this.#anew = true;
    this.#interrupt?.();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#interrupt?.();
    await this.#running;
    this.#ended();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#anew = false;
      const problem = await this.#follow();
      if (this.#closed) return;
      if (this.#anew) continue;
      this.#feed!.unavailable(problem);
      await this.#pause();
    }
  }

  /** Reads from the first place that answers until that ends; says why. */
  async #follow(): Promise<string> {
    let problem = "";
    const service = { service: this.#service };
    for (let index = 0; index < this.#places.count && !this.#closed; index++) {
      let answered = false;
      const abort = new AbortController();
      this.#interrupt = () => abort.abort();
      const terms = { deadline: askMs, idle: watchIdleMs, signal: abort.signal };
      try {
        for await (const snapshot of this.#places.client(index).watch(service, terms)) {
          if (!answered && index > 0) this.#lookBack(index, abort.signal);
          answered = true;
          this.#failures = 0;
          this.#heard(snapshot);
        }
        problem = "the registry has ended the watch";
      } catch (error) {
        problem = isTrunklineError(error) ? error.reason : String(error);
      } finally {
        this.#interrupt = undefined;
        abort.abort();
      }
      if (answered || this.#anew) break;
    }
    return problem;
  }

  /** Goes back to a place before this one as soon as one answers: all who find each other do so in the same place. */
  #lookBack(index: number, signal: AbortSignal): void {
    const look = async (): Promise<void> => {
      if (await answers(this.#places, index)) this.refresh();
      else if (!signal.aborted) this.#lookBack(index, signal);
    };
    const alarm = alarmAt(this.#env, this.#env.now() + lookBackMs, () => void look());
    signal.addEventListener("abort", () => this.#env.clear(alarm), { once: true });
  }

  #heard({ epoch, complete, spreadMs, instances }: RegistrySnapshot): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      const before = this.#feed!.current?.instances ?? [];
      this.#missing = new Map(before.map((instance) => [instance.id, instance]));
    }
    this.#spreadMs = Math.max(0, Math.min(lookWaits.capMs, spreadMs));
    for (const { id } of instances) this.#missing.delete(id);
    if (complete) this.#missing.clear();
    this.#feed!.filled([...instances, ...this.#missing.values()]);
  }

  /** At first for as long as the registry wants its watchers to be spread over, then longer and longer. */
  #pause(): Promise<void> {
    const random = (): number => this.#env.random();
    const waitMs =
      this.#failures === 0
        ? this.#spreadMs * random()
        : backoff(this.#failures - 1, lookWaits, random);
    this.#failures++;
    return new Promise((resolve) => {
      const go = (): void => {
        if (this.#waitUntil !== undefined) this.#env.clear(this.#waitUntil);
        this.#waitUntil = undefined;
        this.#interrupt = undefined;
        resolve();
      };
      this.#interrupt = go;
      this.#waitUntil = alarmAt(this.#env, this.#env.now() + waitMs, go);
    });
  }
}
