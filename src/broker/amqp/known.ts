import type { Drift } from "../broker.ts";
import type { Channel } from "../channel.ts";
import { declared } from "./declarations.ts";
import type { Link } from "./link.ts";
import { planOf, type Cluster, type Plan } from "./topology.ts";

/** What this process has declared since it is connected: it is not asked for again with each message. */
export class Known {
  readonly #link: Link;
  readonly #cluster: Cluster;
  readonly #endpoint: string;
  readonly #done = new Map<string, Promise<readonly Drift[]>>();
  /** A channel is mostly the same object: then its text need not be made. */
  #objects = new WeakMap<Channel, Map<string, Promise<readonly Drift[]>>>();

  constructor(link: Link, cluster: Cluster, endpoint: string) {
    this.#link = link;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
  }

  /** A server that comes back may have forgotten everything. */
  forget(): void {
    this.#done.clear();
    this.#objects = new WeakMap();
  }

  /** Undefined when it is declared already: nothing is to be waited for. */
  pending(channel: Channel, group: string | undefined): Promise<readonly Drift[]> | undefined {
    let groups = this.#objects.get(channel);
    if (groups === undefined) this.#objects.set(channel, (groups = new Map()));
    const name = group ?? "";
    if (groups.has(name)) return undefined;
    const byGroup = groups;
    const asked = this.channel(channel, group);
    void asked.then(
      () => byGroup.set(name, asked),
      () => {},
    );
    return asked;
  }

  channel(channel: Channel, group: string | undefined): Promise<readonly Drift[]> {
    const plan = planOf(channel, group === undefined ? [] : [group], this.#cluster);
    return this.plan(JSON.stringify([channel, group]), plan, channel.name);
  }

  plan(id: string, plan: Plan, name: string): Promise<readonly Drift[]> {
    const known = this.#done.get(id);
    if (known !== undefined) return known;
    const asked = this.#link
      .ready()
      .then((connection) => declared(connection, plan, name, this.#endpoint));
    this.#done.set(id, asked);
    asked.catch(() => {
      if (this.#done.get(id) === asked) this.#done.delete(id);
    });
    return asked;
  }
}
