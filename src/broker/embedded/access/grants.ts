import { literally, Pattern } from "./pattern.ts";

/** What somebody does with a queue or an exchange: makes or removes it; puts messages in, or binds it; takes messages out. */
export type Act = "configure" | "write" | "read";

/** Which names of a virtual host a user may do what with: regular expressions; an empty one matches no name. */
export interface Permission {
  readonly user: string;
  readonly host: string;
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/**
 * Which routing keys a user may publish to a topic exchange with, or bind with. Stands beside the permissions: who has none for an
 * exchange may all. In the patterns `{username}`, `{vhost}` and `{client_id}` stand for what they say.
 */
export interface TopicPermission {
  readonly user: string;
  readonly host: string;
  readonly exchange: string;
  readonly write: string;
  readonly read: string;
}

/** Decisions that are remembered for a permission and an act: then all are forgotten, and made again. */
const rememberedMax = 4_096;

/** A pattern with what it said of names before. */
class Decided {
  readonly #pattern: Pattern;
  #decisions = new Map<string, boolean>();

  constructor(source: string) {
    this.#pattern = new Pattern(source === "" ? "^$" : source);
  }

  matches(name: string): boolean {
    const known = this.#decisions.get(name);
    if (known !== undefined) return known;
    const decision = this.#pattern.matches(name);
    if (this.#decisions.size >= rememberedMax) this.#decisions = new Map();
    this.#decisions.set(name, decision);
    return decision;
  }
}

/** A permission that is asked. */
export class Grant {
  readonly permission: Permission;
  readonly #patterns: { readonly [act in Act]: Decided };

  /** @throws Refusal when a pattern cannot be read. */
  constructor(permission: Permission) {
    this.permission = permission;
    this.#patterns = {
      configure: new Decided(permission.configure),
      write: new Decided(permission.write),
      read: new Decided(permission.read),
    };
  }

  /** The default exchange goes by the name `amq.default`. */
  may(act: Act, name: string): boolean {
    return this.#patterns[act].matches(name === "" ? "amq.default" : name);
  }
}

/** A topic permission that is asked. */
export class TopicGrant {
  readonly permission: TopicPermission;
  readonly #fixed: { readonly [act in "write" | "read"]: Decided | undefined };

  /** @throws Refusal when a pattern cannot be read. */
  constructor(permission: TopicPermission) {
    this.permission = permission;
    const of = (source: string): Decided | undefined => {
      const decided = new Decided(this.#filled(source, "client"));
      return source.includes("{client_id}") ? undefined : decided;
    };
    this.#fixed = { write: of(permission.write), read: of(permission.read) };
  }

  may(act: "write" | "read", routingKey: string, clientId: string | undefined): boolean {
    const fixed = this.#fixed[act];
    if (fixed !== undefined) return fixed.matches(routingKey);
    // Who has no client id has no topics that are named after one.
    if (clientId === undefined) return false;
    return new Pattern(this.#filled(this.permission[act], clientId)).matches(routingKey);
  }

  /** What is filled in is meant literally: a user named `.*` gets nothing by it. */
  #filled(source: string, clientId: string): string {
    const { user, host } = this.permission;
    return source
      .replaceAll("{username}", () => literally(user))
      .replaceAll("{vhost}", () => literally(host))
      .replaceAll("{client_id}", () => literally(clientId));
  }
}
