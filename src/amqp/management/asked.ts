import type { TrunklineError } from "../../base/error.ts";
import type { User } from "../../broker/embedded/access/users.ts";
import type { Node } from "../../broker/embedded/node.ts";
import type { Json } from "../../broker/embedded/storage.ts";
import type { VirtualHost } from "../../broker/embedded/virtual-host.ts";
import type { Act } from "../../broker/embedded/access/grants.ts";
import type { ConnectionBook } from "./connection-book.ts";
import { Rights } from "../rights.ts";

/** What the management speaks for. */
export interface Place {
  readonly node: Node;
  readonly book: ConnectionBook;
  /** `trunkline@localhost` */
  readonly name: string;
  readonly version: string;
  /** When it began, in milliseconds of `env.now()`. */
  readonly since: number;
  readonly listeners: () => readonly ShownListener[];
  /** Why nothing is written any more. */
  readonly failure: TrunklineError | undefined;
}

/** Something that the broker is reached at. */
export interface ShownListener {
  /** `amqp`, `amqp/ssl`, `http` */
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

/** What is answered: a status of HTTP, and JSON unless there is nothing to say. */
export interface Reply {
  readonly status: number;
  readonly body?: Json;
  /** Where what was made can be found. */
  readonly location?: string;
}

/** What a user may who has no more than the tag; each of them may what those before it may. */
export type Role = "management" | "policymaker" | "monitoring" | "administrator";

/** A request whose asker is known, and may ask for that at all. */
export class Asked {
  readonly place: Place;
  readonly user: User;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly #parameters: Readonly<Record<string, string>>;

  constructor(
    place: Place,
    user: User,
    parameters: Readonly<Record<string, string>>,
    query: URLSearchParams,
    body: unknown,
  ) {
    this.place = place;
    this.user = user;
    this.query = query;
    this.body = body;
    this.#parameters = parameters;
  }

  get node(): Node {
    return this.place.node;
  }

  /** What stands in the path for `:name`. */
  the(name: string): string {
    return this.#parameters[name]!;
  }

  /** An exchange in the path: the default one goes by `amq.default`. */
  exchange(name: string = "name"): string {
    const given = this.the(name);
    return given === "amq.default" ? "" : given;
  }

  /** The body's property, when it is there. */
  given(name: string): unknown {
    return (this.body as Readonly<Record<string, unknown>> | undefined)?.[name];
  }

  /** @throws Failed 400 when it is no text. */
  text(name: string, otherwise?: string): string {
    const value = this.given(name) ?? otherwise;
    if (typeof value === "string") return value;
    throw new Failed(400, "bad_request", `'${name}' should be a text`);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.given(name) ?? otherwise;
    if (typeof value === "boolean") return value;
    if (value === "true" || value === "false") return value === "true";
    throw new Failed(400, "bad_request", `'${name}' should be true or false`);
  }

  count(name: string, otherwise?: number): number {
    const value = this.given(name) ?? otherwise;
    const number = typeof value === "string" && value !== "" ? Number(value) : value;
    if (Number.isSafeInteger(number)) return number as number;
    throw new Failed(400, "bad_request", `'${name}' should be a whole number`);
  }

  table(name: string): { readonly [name: string]: Json } {
    const value = this.given(name) ?? {};
    if (typeof value === "object" && !Array.isArray(value))
      return value as { readonly [name: string]: Json };
    throw new Failed(400, "bad_request", `'${name}' should be an object`);
  }

  has(role: Role): boolean {
    return mayAs(this.user, role);
  }

  /** The virtual host in the path. @throws Failed 404, or 401 for who may not look into it. */
  host(): VirtualHost {
    const name = this.the("vhost");
    const host = this.node.hosts.get(name);
    if (host === undefined) throw notFound();
    if (!this.sees(name))
      throw new Failed(401, "not_authorized", "User not authorised to access virtual host");
    return host;
  }

  sees(host: string): boolean {
    return this.has("monitoring") || this.node.access.permissions.enters(this.user.name, host);
  }

  /** The virtual hosts that it is about: that in the path, or all that the asker may look into. */
  hosts(): readonly VirtualHost[] {
    const { vhost } = this.#parameters;
    if (vhost !== undefined) return [this.host()];
    return [...this.node.hosts.values()].filter(({ name }) => this.sees(name));
  }

  /** @throws Fault unless the asker may do that by AMQP too. */
  check(act: Act, kind: "exchange" | "queue", name: string, host: VirtualHost): void {
    this.rights(host).check(act, kind, name);
  }

  rights(host: VirtualHost): Rights {
    return new Rights(this.user.name, host, this.node.access);
  }
}

/** What went wrong, as HTTP says it. */
export class Failed extends Error {
  override readonly name = "Failed";
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, reason: string) {
    super(reason);
    this.status = status;
    this.error = error;
  }
}

export function notFound(): Failed {
  return new Failed(404, "Object Not Found", "Not Found");
}

const roles: readonly Role[] = ["management", "policymaker", "monitoring", "administrator"];

/** As RabbitMQ has it: an administrator may all, a monitor sees all, a policymaker sets policies; each may look at its own. */
export function mayAs({ tags }: User, role: Role): boolean {
  if (tags.includes("administrator")) return true;
  if (role === "management") return roles.some((each) => tags.includes(each));
  return tags.includes(role);
}

export function ok(body: Json): Reply {
  return { status: 200, body };
}

export const done: Reply = { status: 204 };
export const made: Reply = { status: 201 };
