import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { suspectMs } from "./bounds.ts";
import { Link } from "./link.ts";
import type { Neighbour } from "./neighbour.ts";
import { firstExclusive, ownersOf } from "./owners.ts";
import type { Pending } from "./pending.ts";
import { Roster, type Placed } from "./roster.ts";
import { ShardRoute } from "./shard-route.ts";

export interface RouterTerms {
  /** The id of this publisher. */
  readonly publisher: string;
  /** The process with this instance id. */
  readonly neighbour: (instance: string) => Neighbour;
}

/**
 * Says to which consumer each message goes. Of one shard to its owner, in order, also when the owner changes: see `ShardRoute`;
 * the others to whom has least to do.
 */
export class Router {
  readonly #terms: RouterTerms;
  readonly #env: Env;
  readonly #links = new Map<string, Link>();
  readonly #routes = new Map<string, ShardRoute>();
  /** By instance: it does not answer, and is asked only when nobody else can be, until its alarm rings. */
  readonly #suspects = new Map<string, Alarm>();
  /** By group: who owns its shards, of those who answer; forgotten with each change. */
  readonly #owners = new Map<string, readonly Placed[]>();
  #roster: Roster = new Roster([]);

  constructor(terms: RouterTerms, env: Env) {
    this.#terms = terms;
    this.#env = env;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** Who consumes has changed. */
  update(roster: Roster): void {
    this.#roster = roster;
    this.#owners.clear();
    for (const [consumer, link] of this.#links)
      if (!roster.has(consumer) && !link.busy) this.#links.delete(consumer);
    for (const [name, route] of this.#routes) {
      const sending = route.owner !== undefined && this.#links.has(route.owner.consumer);
      if (route.fresh && !sending && this.#members(route.aim).length === 0)
        this.#routes.delete(name);
    }
  }

  /** True while something is on its way to this process, or may be asked of it. */
  needs(instance: string): boolean {
    const links = [...this.#links.values()];
    const routes = [...this.#routes.values()];
    return (
      links.some(({ to, busy }) => busy && to.instance === instance) ||
      routes.some(({ idle, owner }) => !idle && owner?.instance === instance)
    );
  }

  send(message: Pending): void {
    if (changesHands(message)) return this.#routeOf(message).push(message);
    const to = this.#choose(message);
    if (to === undefined) this.#nobody(message);
    else this.#linkTo(to).push(message);
  }

  /** As `ShardRoute.drained`, of all that goes in order. */
  async drained(untilMs: number): Promise<void> {
    await Promise.all([...this.#routes.values()].map((route) => route.drained(untilMs)));
  }

  close(): void {
    for (const alarm of this.#suspects.values()) this.#env.clear(alarm);
    this.#suspects.clear();
  }

  #routeOf({ aim }: Pending): ShardRoute {
    const name = `${aim.shape} ${aim.channel} ${aim.group} ${aim.shard}`;
    let route = this.#routes.get(name);
    if (route === undefined) {
      const parts = {
        choose: (message: Pending) => this.#choose(message),
        nobody: (message: Pending) => this.#nobody(message),
        linkTo: (to: Placed) => this.#linkTo(to),
        neighbour: this.#terms.neighbour,
        consumes: (consumer: string) => this.#roster.has(consumer),
        publisher: this.#terms.publisher,
      };
      this.#routes.set(name, (route = new ShardRoute(aim, parts, this.#env)));
    }
    return route;
  }

  #members({ shape, channel, group, consumer }: Pending["aim"]): readonly Placed[] {
    const { groups, alone } = this.#roster.audience(shape, channel);
    if (group !== undefined) return groups.get(group) ?? [];
    return alone.filter((each) => each.consumer === consumer);
  }

  #choose({ aim, tried }: Pending): Placed | undefined {
    const all = this.#members(aim);
    const left = tried.size === 0 ? all : all.filter(({ consumer }) => !tried.has(consumer));
    const answering = left.filter(({ instance }) => !this.#suspects.has(instance));
    const among = answering.length > 0 ? answering : left;
    if (among.length < 2) return among[0];
    if (aim.shard === undefined) return firstExclusive(among) ?? this.#leastLoaded(among);
    const name = `${aim.shape} ${aim.channel} ${aim.group}`;
    if (left.length < all.length) return ownersOf(name, aim.shards, among)[aim.shard];
    let owners = this.#owners.get(name);
    if (owners === undefined) this.#owners.set(name, (owners = ownersOf(name, aim.shards, among)));
    return owners[aim.shard];
  }

  /** Equal ones by chance. */
  #leastLoaded(among: readonly Placed[]): Placed {
    const start = Math.floor(this.#env.random() * among.length);
    let best: Placed | undefined;
    let least = Infinity;
    for (let i = 0; i < among.length; i++) {
      const each = among[(start + i) % among.length]!;
      const load = this.#links.get(each.consumer)?.load ?? 0;
      if (load >= least) continue;
      best = each;
      least = load;
    }
    return best!;
  }

  #nobody(message: Pending): void {
    if (message.tried.size === 0) return message.settle("nobody");
    const { channel, group } = message.aim;
    const who = group ? `group ${group} of ${channel}` : channel;
    const cause = message.problem;
    message.settle(
      systemError("UNAVAILABLE", `nobody of ${who} could be reached`, {
        executed: "no",
        attempts: message.tried.size,
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  }

  #linkTo(to: Placed): Link {
    let link = this.#links.get(to.consumer);
    if (link === undefined) {
      const terms = {
        to,
        publisher: this.#terms.publisher,
        neighbour: () => this.#terms.neighbour(to.instance),
        returned: (messages: readonly Pending[], suspect: boolean) =>
          this.#returned(to, messages, suspect),
      };
      this.#links.set(to.consumer, (link = new Link(terms, this.#env)));
    }
    return link;
  }

  #returned({ instance }: Placed, messages: readonly Pending[], suspect: boolean): void {
    if (suspect) this.#suspect(instance);
    const byRoute = new Map<ShardRoute, Pending[]>();
    for (const message of messages) {
      if (!changesHands(message)) {
        this.send(message);
        continue;
      }
      const route = this.#routeOf(message);
      byRoute.set(route, [...(byRoute.get(route) ?? []), message]);
    }
    for (const [route, those] of byRoute) route.giveBack(those);
  }

  #suspect(instance: string): void {
    const known = this.#suspects.get(instance);
    if (known !== undefined) this.#env.clear(known);
    const forgive = (): void => {
      this.#suspects.delete(instance);
      this.#owners.clear();
    };
    this.#suspects.set(instance, alarmAt(this.#env, this.#env.now() + suspectMs, forgive));
    this.#owners.clear();
  }
}

/** Of a consumer on its own the order is that of its link. */
function changesHands({ aim }: Pending): boolean {
  return aim.shard !== undefined && aim.group !== undefined;
}
