import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Discovery, Instance } from "../discovery.ts";
import { Feed } from "../feed.ts";
import { servicesOf } from "../instance.ts";
import { ttlOf } from "../keep-lease.ts";
import { Opened } from "../opened.ts";

interface Entry {
  readonly services: readonly string[];
  readonly written: unknown;
  /** Whose it is; undefined when it was put in by hand. */
  readonly lease: symbol | undefined;
  readonly expiry: { readonly alarm: Alarm; readonly env: Env } | undefined;
}

/** A registry within the process. Those who are given the same one find each other; tests break it as they like. */
export class MemoryRegistry {
  readonly #entries: Map<string, Entry> = new Map();
  readonly #watching: Set<() => void> = new Set();
  #problem: string | undefined;

  /** Stops answering, as a registry that is down: who watches keeps the last instances, nothing can be registered. */
  interrupt(problem: string = "the registry is interrupted"): void {
    this.#problem = problem;
    this.#changed();
  }

  /** Answers again. */
  restore(): void {
    this.#problem = undefined;
    this.#changed();
  }

  /** Loses an instance, as a registry that was wiped: whoever registered it has to do so again. */
  forget(id: string): void {
    this.#remove(id);
    this.#changed();
  }

  /** Puts in whatever is given, an instance or not, until it is forgotten. */
  put(service: string, id: string, written: unknown): void {
    this.#remove(id);
    this.#entries.set(id, {
      services: [service],
      written,
      lease: undefined,
      expiry: undefined,
    });
    this.#changed();
  }

  /** Internal to the memory discovery: why it does not answer. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Internal to the memory discovery: calls `changed` after each change, until the function that it gives is called. */
  watch(changed: () => void): () => void {
    this.#watching.add(changed);
    return () => this.#watching.delete(changed);
  }

  /** Internal to the memory discovery. */
  find(service: string): unknown[] {
    return [...this.#entries.values()]
      .filter(({ services }) => services.includes(service))
      .map(({ written }) => written);
  }

  /** Registers for `ttlMs`, or until renewed, and renews nothing itself: what is left of a process that was killed. */
  take(instance: Instance, ttlMs: number, env: Env, lease: symbol = Symbol(instance.id)): void {
    this.#answering();
    this.#remove(instance.id);
    const expiry = this.#expiry(instance.id, ttlMs, env);
    const services = servicesOf(instance);
    this.#entries.set(instance.id, { services, written: instance, lease, expiry });
    this.#changed();
  }

  /** Internal to the memory discovery: false when there is no such lease. */
  renew(id: string, lease: symbol, ttlMs: number): boolean {
    this.#answering();
    const entry = this.#entries.get(id);
    if (entry?.lease !== lease || entry.expiry === undefined) return false;
    const { alarm, env } = entry.expiry;
    env.set(alarm, env.now() + ttlMs);
    return true;
  }

  /** Internal to the memory discovery: true when another life has registered the id. */
  belongsToOther({ id, bootId }: Instance): boolean {
    this.#answering();
    const entry = this.#entries.get(id);
    return entry !== undefined && (entry.written as Partial<Instance> | null)?.bootId !== bootId;
  }

  /** Internal to the memory discovery: removes the instance if it is there under this lease. */
  give(id: string, lease: symbol): void {
    this.#answering();
    if (this.#entries.get(id)?.lease === lease) this.forget(id);
  }

  #expiry(id: string, ttlMs: number, env: Env): Entry["expiry"] {
    return { env, alarm: alarmAt(env, env.now() + ttlMs, () => this.forget(id)) };
  }

  #remove(id: string): void {
    const expiry = this.#entries.get(id)?.expiry;
    if (expiry !== undefined) expiry.env.clear(expiry.alarm);
    this.#entries.delete(id);
  }

  #answering(): void {
    if (this.#problem !== undefined)
      throw systemError("UNAVAILABLE", this.#problem, { executed: "no" });
  }

  #changed(): void {
    for (const changed of [...this.#watching]) changed();
  }
}

const processRegistry = new MemoryRegistry();

/**
 * Discovery within the process, beside `memory:` addresses and for tests.
 *
 * `registry`: who finds whom. Default: everybody in this process.
 */
export function memory(registry: MemoryRegistry = processRegistry): Discovery {
  const open = new Opened();
  const close = (): Promise<void> => open.close();
  return {
    name: "memory",
    capabilities: { registers: true, expires: "lease", pushes: true, attributes: true },
    watch(service, onChange, env) {
      const look = (): void => {
        if (registry.problem === undefined) feed.filled(registry.find(service));
        else feed.unavailable(registry.problem);
      };
      const unwatch = registry.watch(look);
      const source = {
        refresh: look,
        close: () => {
          unwatch();
          open.delete(feed);
        },
      };
      const feed: Feed = new Feed({ registry: "memory", service, onChange, env }, source);
      open.add(feed);
      look();
      return feed;
    },
    async register(instance, options, env) {
      const ttlMs = ttlOf(options);
      let own = Symbol(instance.id);
      const acts = {
        take: async (now: Instance, again: boolean) => {
          if (again && registry.belongsToOther(now)) return false;
          own = Symbol(now.id);
          registry.take(now, ttlMs, env, own);
          return true;
        },
        renew: async () => registry.renew(instance.id, own, ttlMs),
        give: async () => registry.give(instance.id, own),
      };
      return open.keep(acts, instance, options, env);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
