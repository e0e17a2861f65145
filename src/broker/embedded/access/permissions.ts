import { definitionName } from "../host-names.ts";
import { Refusal } from "../refusal.ts";
import type { Definition, Storage } from "../storage.ts";
import { Grant, TopicGrant, type Act, type Permission, type TopicPermission } from "./grants.ts";

/** Permissions of one user: for so many virtual hosts, and exchanges in them. */
const ofUserMax = 10_000;

/** Who may do what, by virtual host. */
export class Permissions {
  readonly #storage: Pick<Storage, "define" | "undefine">;
  /** By user, then by virtual host. */
  readonly #grants = new Map<string, Map<string, Grant>>();
  /** By user, then by virtual host and exchange. */
  readonly #topics = new Map<string, Map<string, TopicGrant>>();

  constructor(storage: Pick<Storage, "define" | "undefine">) {
    this.#storage = storage;
  }

  /** Takes up what is kept. */
  restore({ kind, value }: Definition): void {
    if (kind === "permission") {
      const permission = value as unknown as Permission;
      within(this.#grants, permission.user).set(permission.host, new Grant(permission));
    } else {
      const permission = value as unknown as TopicPermission;
      const { user, host, exchange } = permission;
      within(this.#topics, user).set(definitionName(host, exchange), new TopicGrant(permission));
    }
  }

  /** Whether the user may use the virtual host at all: has a permission in it. */
  enters(user: string, host: string): boolean {
    return this.#grants.get(user)?.has(host) === true;
  }

  may(user: string, host: string, act: Act, name: string): boolean {
    return this.#grants.get(user)?.get(host)?.may(act, name) === true;
  }

  mayTopic(
    user: string,
    host: string,
    act: "write" | "read",
    exchange: string,
    routingKey: string,
    clientId: string | undefined,
  ): boolean {
    const grants = this.#topics.get(user);
    if (grants === undefined) return true;
    return grants.get(definitionName(host, exchange))?.may(act, routingKey, clientId) ?? true;
  }

  *[Symbol.iterator](): Iterator<Permission> {
    for (const grants of this.#grants.values())
      for (const { permission } of grants.values()) yield permission;
  }

  *topics(): Iterable<TopicPermission> {
    for (const grants of this.#topics.values())
      for (const { permission } of grants.values()) yield permission;
  }

  get(user: string, host: string): Permission | undefined {
    return this.#grants.get(user)?.get(host)?.permission;
  }

  /** @throws Refusal (precondition-failed) when a pattern cannot be read. */
  set({ user, host, configure, write, read }: Permission): void {
    const permission = { user, host, configure, write, read };
    const grant = new Grant(permission);
    within(this.#grants, user).set(host, grant);
    const name = definitionName(user, host);
    this.#storage.define({ kind: "permission", name, value: permission });
  }

  /** @throws Refusal as `set`. */
  setTopic({ user, host, exchange, write, read }: TopicPermission): void {
    const permission = { user, host, exchange, write, read };
    const grant = new TopicGrant(permission);
    within(this.#topics, user).set(definitionName(host, exchange), grant);
    const name = definitionName(user, host, exchange);
    this.#storage.define({ kind: "topic-permission", name, value: permission });
  }

  /** @returns whether there was one. */
  remove(user: string, host: string): boolean {
    if (!leave(this.#grants, user, host)) return false;
    this.#storage.undefine("permission", definitionName(user, host));
    return true;
  }

  /** Of one exchange, or of all of the virtual host. @returns whether there was one. */
  removeTopic(user: string, host: string, exchange?: string): boolean {
    let found = false;
    for (const { permission } of [...(this.#topics.get(user)?.values() ?? [])]) {
      const its = permission.exchange;
      if (permission.host !== host || (exchange !== undefined && exchange !== its)) continue;
      leave(this.#topics, user, definitionName(host, its));
      this.#storage.undefine("topic-permission", definitionName(user, host, its));
      found = true;
    }
    return found;
  }

  /** The user is gone. */
  forgetUser(user: string): void {
    const topics = [...(this.#topics.get(user)?.values() ?? [])];
    for (const host of [...(this.#grants.get(user)?.keys() ?? [])]) this.remove(user, host);
    for (const { permission } of topics) this.removeTopic(user, permission.host);
  }

  /** The virtual host is gone: nobody may anything in it, should another get its name. */
  forgetHost(host: string): void {
    for (const user of [...this.#grants.keys()]) this.remove(user, host);
    for (const user of [...this.#topics.keys()]) this.removeTopic(user, host);
  }
}

function within<Of>(all: Map<string, Map<string, Of>>, user: string): Map<string, Of> {
  let of = all.get(user);
  if (of === undefined) all.set(user, (of = new Map()));
  if (of.size >= ofUserMax)
    throw new Refusal(
      "precondition-failed",
      `user '${user}' has ${ofUserMax} permissions, the most there can be`,
    );
  return of;
}

function leave(all: Map<string, Map<string, unknown>>, user: string, name: string): boolean {
  const of = all.get(user);
  const found = of?.delete(name) === true;
  if (of?.size === 0) all.delete(user);
  return found;
}
