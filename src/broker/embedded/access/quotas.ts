import { Refusal } from "../refusal.ts";
import type { Definition, Json, Storage } from "../storage.ts";

/** How much one user may have at a time. Undefined: as much as there is. */
export interface UserLimits {
  readonly connections?: number;
  readonly channels?: number;
}

/** How much there may be in one virtual host at a time. */
export interface HostLimits {
  readonly connections?: number;
  readonly queues?: number;
}

/** How much users and virtual hosts may have, and how much of it they have. */
export class Quotas {
  readonly #storage: Pick<Storage, "define" | "undefine">;
  readonly #userLimits = new Map<string, UserLimits>();
  readonly #hostLimits = new Map<string, HostLimits>();
  readonly #connectionsOfUsers = new Map<string, number>();
  readonly #connectionsOfHosts = new Map<string, number>();
  readonly #channels = new Map<string, number>();

  constructor(storage: Pick<Storage, "define" | "undefine">) {
    this.#storage = storage;
  }

  /** Takes up what is kept. */
  restore({ kind, name, value }: Definition): void {
    const limits = kind === "user-limits" ? this.#userLimits : this.#hostLimits;
    limits.set(name, value as UserLimits & HostLimits);
  }

  ofUsers(): Iterable<readonly [string, UserLimits]> {
    return this.#userLimits;
  }

  ofHosts(): Iterable<readonly [string, HostLimits]> {
    return this.#hostLimits;
  }

  ofUser(name: string): UserLimits {
    return this.#userLimits.get(name) ?? {};
  }

  ofHost(name: string): HostLimits {
    return this.#hostLimits.get(name) ?? {};
  }

  /** An empty one lifts all limits. Who is connected stays connected. */
  setOfUser(name: string, { connections, channels }: UserLimits): void {
    this.#set("user-limits", this.#userLimits, name, { connections, channels });
  }

  setOfHost(name: string, { connections, queues }: HostLimits): void {
    this.#set("host-limits", this.#hostLimits, name, { connections, queues });
  }

  /** Counts a connection in. What is given back counts it out. @throws Refusal (not-allowed) where it would be one too many. */
  connect(user: string, host: string): () => void {
    const ofHost = this.ofHost(host).connections;
    if (reached(this.#connectionsOfHosts, host, ofHost))
      throw new Refusal(
        "not-allowed",
        `access to vhost '${host}' refused for user '${user}': connection limit (${ofHost}) is reached`,
      );
    const ofUser = this.ofUser(user).connections;
    if (reached(this.#connectionsOfUsers, user, ofUser))
      throw new Refusal(
        "not-allowed",
        `Connection refused for user '${user}': user connection limit (${ofUser}) is reached`,
      );
    const leaveUser = counted(this.#connectionsOfUsers, user);
    const leaveHost = counted(this.#connectionsOfHosts, host);
    return () => {
      leaveUser();
      leaveHost();
    };
  }

  /** The same for a channel. */
  openChannel(user: string): () => void {
    const { channels } = this.ofUser(user);
    if (reached(this.#channels, user, channels))
      throw new Refusal(
        "not-allowed",
        `number of channels opened for user '${user}' has reached the maximum allowed user limit of (${channels})`,
      );
    return counted(this.#channels, user);
  }

  /** @throws Refusal (precondition-failed) when a virtual host has that many queues, and that is enough. */
  declareQueue(host: string, queue: string, queues: number): void {
    const limit = this.ofHost(host).queues;
    if (limit !== undefined && queues >= limit)
      throw new Refusal(
        "precondition-failed",
        `cannot declare queue '${queue}': queue limit in vhost '${host}' (${limit}) is reached`,
      );
  }

  #set<Limits extends object>(
    kind: string,
    all: Map<string, Limits>,
    name: string,
    given: { readonly [limit in keyof Limits]: Limits[limit] | undefined },
  ): void {
    const set = Object.entries(given).filter(([, limit]) => limit !== undefined);
    for (const [limit, value] of set)
      if (!Number.isSafeInteger(value))
        throw new Refusal("precondition-failed", `the limit of ${limit} is a whole number`);
    // RabbitMQ means by a negative one that there is no limit.
    const limits = Object.fromEntries(set.filter(([, value]) => Number(value) >= 0));
    if (Object.keys(limits).length === 0) {
      if (all.delete(name)) this.#storage.undefine(kind, name);
      return;
    }
    all.set(name, limits as Limits);
    this.#storage.define({ kind, name, value: limits as Json });
  }
}

function reached(
  counts: ReadonlyMap<string, number>,
  name: string,
  limit: number | undefined,
): boolean {
  return limit !== undefined && (counts.get(name) ?? 0) >= limit;
}

/** Counts one in; what is given back counts it out, once. */
function counted(counts: Map<string, number>, name: string): () => void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
  let there = true;
  return () => {
    if (!there) return;
    there = false;
    const left = counts.get(name)! - 1;
    if (left === 0) counts.delete(name);
    else counts.set(name, left);
  };
}
