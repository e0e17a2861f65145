import type { Connection } from "rabbitmq-client";
import { systemError } from "../../base/error.ts";
import type { Drift } from "../broker.ts";
import type { Channel } from "../channel.ts";
import { declared, isThere, shardsAt } from "./declarations.ts";
import type { Link } from "./link.ts";
import {
  dividedOf,
  entryOf,
  membersOf,
  placeOf,
  planOf,
  targetOf,
  type Cluster,
  type Plan,
} from "./topology.ts";

/** What this process has declared since it is connected: it is not asked for again with each message. */
export class Known {
  readonly #link: Link;
  readonly #cluster: Cluster;
  readonly #endpoint: string;
  /** Under way, or done since the last connection. */
  readonly #done = new Map<string, Promise<readonly Drift[]>>();
  /** What was ever declared here: it is declared again on a new connection before anything is published to it. */
  readonly #ours = new Map<string, Channel>();
  readonly #shards = new Map<string, number>();
  /** Nothing is to be waited for before a message is published there. A channel is mostly the same object. */
  #open = new WeakMap<Channel, Set<string | undefined>>();

  constructor(link: Link, cluster: Cluster, endpoint: string) {
    this.#link = link;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
  }

  /** A server that comes back may have forgotten everything. */
  forget(): void {
    this.#done.clear();
    this.#open = new WeakMap();
  }

  /** How many shards a declared group has. */
  shardsOf(channel: Channel, group: string | undefined): number {
    return this.#shards.get(targetOf(channel, group)) ?? channel.shards;
  }

  /** What must be there before a message can be published; undefined when it is. */
  entry(channel: Channel, to: string | undefined): Promise<unknown> | undefined {
    if (this.#open.get(channel)?.has(to) === true) return undefined;
    const open = this.#open;
    return this.#entered(channel, to).then(() => {
      const known = open.get(channel);
      if (known === undefined) open.set(channel, new Set([to]));
      else known.add(to);
    });
  }

  /** Declares a channel, its known groups, and one more where one is given. */
  channel(channel: Channel, group: string | undefined): Promise<readonly Drift[]> {
    if (group === undefined) this.#ours.set(channel.name, channel);
    return this.#once(JSON.stringify([channel, group]), async (connection) => {
      const groups = group === undefined ? [] : [group];
      const drifts: Drift[] = [];
      for (const target of dividedOf(channel, groups)) {
        const members = membersOf(target, channel.shards, this.#cluster);
        const { name } = channel;
        const found = await shardsAt(connection, members, channel.shards, name, this.#endpoint);
        this.#shards.set(target, found.shards);
        if (found.drift !== undefined) drifts.push(found.drift);
      }
      const shardsOf = (target: string): number => this.#shards.get(target) ?? channel.shards;
      const plan = planOf(channel, groups, this.#cluster, shardsOf);
      return [...drifts, ...(await declared(connection, plan, channel.name, this.#endpoint))];
    });
  }

  plan(id: string, plan: Plan, name: string): Promise<readonly Drift[]> {
    return this.#once(id, (connection) => declared(connection, plan, name, this.#endpoint));
  }

  /** A topic is made where it is missing, as nobody needs to be there for an event. A queue is its consumers' to make. */
  async #entered(channel: Channel, to: string | undefined): Promise<void> {
    const ours = this.#ours.get(channel.name);
    if (ours !== undefined) await this.channel(ours, undefined);
    else if (channel.shape === "topic")
      await this.plan(JSON.stringify([channel]), entryOf(channel, this.#cluster), channel.name);
    const { exchange } = placeOf(channel, to);
    if (exchange === "" || (to === undefined && (ours !== undefined || channel.shape === "topic")))
      return;
    // Publishing to an exchange that is not there would end the AMQP channel, and with it what others have on the way.
    if (await isThere(await this.#link.ready(), exchange)) return;
    throw systemError("UNAVAILABLE", `there is no queue for ${channel.name} yet`, {
      executed: "no",
      endpoint: this.#endpoint,
      advice: "start a consumer, or declare the channel",
    });
  }

  #once(
    id: string,
    act: (connection: Connection) => Promise<readonly Drift[]>,
  ): Promise<readonly Drift[]> {
    const known = this.#done.get(id);
    if (known !== undefined) return known;
    const asked = this.#link.ready().then(act);
    this.#done.set(id, asked);
    asked.catch(() => {
      if (this.#done.get(id) === asked) this.#done.delete(id);
    });
    return asked;
  }
}
