import type { Env } from "../../../base/env.ts";
import { secretBytes } from "../../../base/secret.ts";
import { Refusal } from "../refusal.ts";
import type { Definition, Storage } from "../storage.ts";
import type { Act, Permission, TopicPermission } from "./grants.ts";
import { defaultCost, type PasswordCost } from "./password.ts";
import { Permissions } from "./permissions.ts";
import { Quotas } from "./quotas.ts";
import { Users, type Peer, type User } from "./users.ts";

export interface AccessOptions {
  readonly env: Pick<Env, "now">;
  /**
   * Who is there when nobody has ever been, as an administrator with all permissions in `/`. Default: `guest`, with the password
   * `guest`, who is let in from this machine only.
   */
  readonly first?: { readonly name: string; readonly password: string } | undefined;
  /** Who is let in from this machine only. Default: `guest`. */
  readonly loopbackOnly?: readonly string[];
  readonly cost?: PasswordCost;
  /** Makes salts and keys. Default: the machine's. */
  readonly secret?: (bytes: number) => Uint8Array;
}

/**
 * Who may in, and do what: users, permissions and quotas, as RabbitMQ has them. What changes is in force at once, and is noted as
 * definitions in the open batch of the storage.
 */
export class Access {
  readonly users: Users;
  readonly permissions: Permissions;
  readonly quotas: Quotas;

  constructor(
    found: readonly Definition[],
    storage: Pick<Storage, "define" | "undefine">,
    options: AccessOptions,
  ) {
    const { env, first, loopbackOnly = ["guest"], cost = defaultCost } = options;
    const { secret = secretBytes } = options;
    this.users = new Users({ env, storage, loopbackOnly, cost, secret });
    this.permissions = new Permissions(storage);
    this.quotas = new Quotas(storage);
    let begun = false;
    for (const definition of found) begun = this.#restore(definition) || begun;
    if (begun) return;
    // Who removes the last user does not want guest back.
    storage.define({ kind: "access", name: "begun", value: true });
    const user = this.users.begin(first);
    const all = ".*";
    this.permissions.set({ user, host: "/", configure: all, write: all, read: all });
  }

  /**
   * Who it is, when it is the right password. One that is kept in RabbitMQ's way is kept in ours from then on.
   *
   * @throws Refusal (access-refused) otherwise. Its message is for the log: who asks is told nothing of the reason.
   */
  authenticate(name: string, password: string, peer: Peer): Promise<User> {
    return this.users.authenticate(name, password, peer);
  }

  /**
   * Whether the user may do that with a queue or an exchange. The default exchange has the empty name. What RabbitMQ asks for: to
   * declare or delete, `configure`; to bind or unbind, `write` to the destination and `read` from the source; to publish, `write`;
   * to consume, get or purge, `read`; with a dead-letter exchange, `read` from the queue and `write` to the exchange; with an alternate
   * exchange, `read` from the exchange and `write` to the alternate.
   */
  may(user: string, host: string, act: Act, name: string): boolean {
    return this.permissions.may(user, host, act, name);
  }

  /** Whether the user may publish to (`write`), or bind to (`read`), that topic exchange with that routing key, `may` aside. */
  mayTopic(
    user: string,
    host: string,
    act: "write" | "read",
    exchange: string,
    routingKey: string,
    clientId?: string,
  ): boolean {
    return this.permissions.mayTopic(user, host, act, exchange, routingKey, clientId);
  }

  /** @throws Refusal when there is no such user (not-found), or a pattern cannot be read. */
  permit(permission: Permission): void {
    this.#mustBe(permission.user);
    this.permissions.set(permission);
  }

  /** @throws Refusal as `permit`. */
  permitTopic(permission: TopicPermission): void {
    this.#mustBe(permission.user);
    this.permissions.setTopic(permission);
  }

  /** Removes a user with all that it may. @throws Refusal (not-found) */
  removeUser(name: string): void {
    this.users.remove(name);
    this.permissions.forgetUser(name);
    this.quotas.setOfUser(name, {});
  }

  /** A virtual host is gone, and what was granted in it. */
  forgetHost(name: string): void {
    this.permissions.forgetHost(name);
    this.quotas.setOfHost(name, {});
  }

  /** Takes up a definition, where it is one of ours. */
  #restore(definition: Definition): boolean {
    switch (definition.kind) {
      case "user":
        this.users.restore(definition);
        return true;
      case "permission":
      case "topic-permission":
        this.permissions.restore(definition);
        return true;
      case "user-limits":
      case "host-limits":
        this.quotas.restore(definition);
        return true;
      default:
        return definition.kind === "access";
    }
  }

  #mustBe(user: string): void {
    if (this.users.get(user) === undefined) throw new Refusal("not-found", `no user '${user}'`);
  }
}
