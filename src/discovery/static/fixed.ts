import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Discovery, Instance, Snapshot, Watch } from "../discovery.ts";
import { Feed } from "../feed.ts";
import { instanceTextMax, servicesOf } from "../instance.ts";

/**
 * Discovery by a list that is written down: addresses, each an instance of every service, or instances. `set` of what it gives
 * replaces the list, for whoever reads it from somewhere. (`static` is a word of the language.)
 */
export function fixed(list: readonly (string | Instance)[]): FixedDiscovery {
  return new FixedDiscovery(list);
}

/** A list that can be replaced. */
export class FixedDiscovery implements Discovery {
  readonly name = "static";
  readonly capabilities = {
    registers: false,
    expires: "never",
    pushes: true,
    attributes: true,
  } as const;
  #list: readonly (string | Instance)[];
  readonly #feeds: Map<Feed, string> = new Map();

  constructor(list: readonly (string | Instance)[]) {
    this.#list = [...list];
  }

  /** These are the instances from now on. */
  set(list: readonly (string | Instance)[]): void {
    this.#list = [...list];
    for (const [feed, service] of this.#feeds) feed.filled(this.#instancesOf(service));
  }

  watch(service: string, onChange: (snapshot: Snapshot) => void, env: Env): Watch {
    const fill = (): void => feed.filled(this.#instancesOf(service));
    const source = { refresh: fill, close: () => void this.#feeds.delete(feed) };
    const feed: Feed = new Feed({ registry: this.name, service, onChange, env }, source);
    this.#feeds.set(feed, service);
    fill();
    return feed;
  }

  async register(): Promise<never> {
    throw systemError("UNIMPLEMENTED", "nobody registers in a list that is written down", {
      executed: "no",
      advice: "write the address into the list, or register in directory:, etcd:// or consul://",
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#feeds.keys()].map((feed) => feed.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #instancesOf(service: string): unknown[] {
    return this.#list
      .map((each) => (typeof each === "string" ? instanceAt(each, service) : each))
      .filter((each) => isOf(each, service));
  }
}

/** An instance of which only the address is known: it is taken to serve what is asked for, in any version. */
function instanceAt(address: string, service: string): Instance {
  const id = address.slice(0, instanceTextMax);
  return { id, bootId: id, contracts: [service], addresses: [address], state: "ready" };
}

/** What is no instance belongs to every service: each feed reports it. */
function isOf(each: Instance, service: string): boolean {
  try {
    return servicesOf(each).includes(service);
  } catch {
    return true;
  }
}
