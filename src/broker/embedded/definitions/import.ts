import { Grant, TopicGrant } from "../access/grants.ts";
import { importedHash } from "../access/password.ts";
import { Pattern } from "../access/pattern.ts";
import type { Node } from "../node.ts";
import { checkSettings } from "../policy/settings.ts";
import { appliesTo, type AppliesTo, type Policy } from "../policy/policies.ts";
import { declaredTerms } from "../queue-arguments.ts";
import { Refusal } from "../refusal.ts";
import { builtIn, checkBinding, matcherOf, routingType } from "../routing/exchange-types.ts";
import type { Json } from "../storage.ts";
import type { BindingTerms, ExchangeTerms, QueueTerms } from "../terms.ts";
import { argumentsOf } from "./export.ts";
import { plainTable } from "./plain-table.ts";
import { Reading, type Item } from "./reading.ts";

/** What an import did. */
export interface Imported {
  /** How many of each section were taken up. */
  readonly taken: { readonly [section: string]: number };
  /** What was left as it is, or out, each with the reason. */
  readonly left: readonly string[];
}

const hostNameBytesMax = 255;

/**
 * Makes in the broker what a definitions file says: one of a real RabbitMQ, of ours, or of one virtual host (`host`) alone. What is
 * there under the name of a queue or an exchange stays as it is. The whole file is looked at first, and nothing is done when
 * anything in it cannot be; then it is done at once, and is one transaction of the storage.
 *
 * @throws Refusal (precondition-failed) with all that is wrong.
 */
export async function importDefinitions(
  node: Node,
  document: unknown,
  host?: string,
): Promise<Imported> {
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw new Refusal("precondition-failed", "the definitions are no object");
  const plan = new Plan(node, host);
  plan.read(document as Readonly<Record<string, unknown>>);
  const { summary } = plan.reading;
  if (summary !== undefined)
    throw new Refusal("precondition-failed", `the definitions cannot be imported: ${summary}`);
  await plan.hash();
  return plan.carryOut();
}

/** What is to be done for a file, all of it known to be possible. */
class Plan {
  readonly reading: Reading = new Reading();
  readonly #node: Node;
  readonly #host: string | undefined;
  readonly #steps: (() => void)[] = [];
  readonly #hashing: (() => Promise<void>)[] = [];
  readonly #hosts: Set<string>;
  readonly #users: Set<string>;
  /** Queues, and exchanges with their types, that are to be made. */
  readonly #ends = new Map<string, string>();
  readonly #taken: Record<string, number> = {};
  readonly #left: string[] = [];

  constructor(node: Node, host: string | undefined) {
    this.#node = node;
    this.#host = host;
    this.#hosts = new Set(node.hosts.keys());
    this.#users = new Set([...node.access.users].map(({ name }) => name));
  }

  read(document: Readonly<Record<string, unknown>>): void {
    const sections: Readonly<Record<string, (item: Item) => void>> = {
      vhosts: (item) => this.#readHost(item),
      users: (item) => this.#readUser(item),
      permissions: (item) => this.#readPermission(item),
      topic_permissions: (item) => this.#readTopicPermission(item),
      policies: (item) => this.#readPolicy(item),
      parameters: (item) => this.#readParameter(item),
      exchanges: (item) => this.#readExchange(item),
      queues: (item) => this.#readQueue(item),
      bindings: (item) => this.#readBinding(item),
    };
    for (const [section, read] of Object.entries(sections))
      this.reading.items(section, document[section], (item) => {
        const { length } = this.#left;
        read(item);
        if (this.#left.length > length) return;
        this.#taken[section] = (this.#taken[section] ?? 0) + 1;
      });
  }

  /** Passwords in clear become hashes, beside the event loop. */
  async hash(): Promise<void> {
    for (const step of this.#hashing) await step();
  }

  carryOut(): Imported {
    for (const step of this.#steps) step();
    return { taken: this.#taken, left: this.#left };
  }

  #readHost(item: Item): void {
    const name = item.text("name");
    const bytes = Buffer.byteLength(name);
    if (bytes === 0 || bytes > hostNameBytesMax)
      throw new Error(`the name of a virtual host has 1 to ${hostNameBytesMax} bytes`);
    this.#hosts.add(name);
    this.#steps.push(() => void this.#node.addHost(name));
  }

  #readUser(item: Item): void {
    const { users, quotas } = this.#node.access;
    const name = item.text("name");
    const given = item.given["tags"] ?? [];
    const tags = (typeof given === "string" ? given.split(",") : (given as string[]))
      .map((tag) => tag.trim())
      .filter((tag) => tag !== "");
    this.#users.add(name);
    const { password } = item.given;
    if (typeof password === "string") {
      let hash = "";
      this.#hashing.push(async () => void (hash = await users.hashed(password)));
      this.#steps.push(() => users.setHash(name, hash, undefined, tags));
    } else {
      const hash = item.text("trunkline_password_hash", item.text("password_hash", ""));
      const algorithm = item.text("hashing_algorithm", "rabbit_password_hashing_sha256");
      importedHash(hash, algorithm);
      this.#steps.push(() => users.setHash(name, hash, algorithm, tags));
    }
    const limits = item.table("limits");
    this.#steps.push(() =>
      quotas.setOfUser(name, {
        ...limitOf("connections", limits["max-connections"]),
        ...limitOf("channels", limits["max-channels"]),
      }),
    );
  }

  #readPermission(item: Item): void {
    const permission = {
      ...{ user: this.#user(item), host: this.#hostOf(item), configure: item.text("configure") },
      ...{ write: item.text("write"), read: item.text("read") },
    };
    void new Grant(permission);
    this.#steps.push(() => this.#node.access.permit(permission));
  }

  #readTopicPermission(item: Item): void {
    const permission = {
      ...{ user: this.#user(item), host: this.#hostOf(item), exchange: item.text("exchange") },
      ...{ write: item.text("write"), read: item.text("read") },
    };
    void new TopicGrant(permission);
    this.#steps.push(() => this.#node.access.permitTopic(permission));
  }

  #readPolicy(item: Item): void {
    this.#policy(item, this.#hostOf(item), item.text("name"), false);
  }

  #policy(terms: Item, host: string, name: string, operator: boolean): void {
    const policy: Policy = {
      ...{ host, name, operator, pattern: terms.text("pattern") },
      applyTo: terms.text("apply-to", "all") as AppliesTo,
      priority: terms.count("priority", 0),
      definition: terms.table("definition"),
    };
    void new Pattern(policy.pattern);
    checkSettings(policy.definition, operator);
    if (!appliesTo.includes(policy.applyTo))
      throw new Error(`'apply-to' cannot be '${policy.applyTo}'`);
    this.#steps.push(() => this.#node.policies.set(policy));
  }

  #readParameter(item: Item): void {
    const component = item.text("component");
    const name = item.text("name");
    const host = this.#hostOf(item);
    if (component === "vhost-limits") {
      const limits = item.table("value");
      this.#steps.push(() =>
        this.#node.access.quotas.setOfHost(host, {
          ...limitOf("connections", limits["max-connections"]),
          ...limitOf("queues", limits["max-queues"]),
        }),
      );
    } else if (component === "operator_policy") this.#policy(item.inner("value"), host, name, true);
    else
      this.#left.push(`the parameter ${component} '${name}' of '${host}': it means nothing here`);
  }

  #readExchange(item: Item): void {
    const host = this.#hostOf(item);
    const terms: ExchangeTerms = {
      ...{ name: item.text("name"), type: item.text("type"), durable: item.flag("durable", false) },
      ...{ autoDelete: item.flag("auto_delete", false), internal: item.flag("internal", false) },
      arguments: item.table("arguments"),
    };
    void matcherOf(terms, () => 0);
    const end = endOf(host, "exchange", terms.name);
    if (terms.name === "" || terms.name.startsWith("amq.")) return;
    const there = this.#node.hosts.get(host)?.topology.exchange(terms.name);
    if (there !== undefined) {
      if (there.type !== terms.type || !alike(there.arguments, terms.arguments))
        this.#left.push(`the exchange '${terms.name}' of '${host}': another one is there`);
      return;
    }
    this.#ends.set(end, routingType(terms));
    this.#steps.push(() => this.#node.host(host).declareExchange(terms));
  }

  #readQueue(item: Item): void {
    const host = this.#hostOf(item);
    const declared = {
      ...{ name: item.text("name"), durable: item.flag("durable", false), owner: undefined },
      autoDelete: item.flag("auto_delete", false),
      arguments: { ...typeOf(item), ...item.table("arguments") },
    };
    const terms = declaredTerms(declared, host);
    this.#ends.set(endOf(host, "queue", terms.name), "");
    const there = this.#node.hosts.get(host)?.declared(terms.name);
    if (there === undefined) this.#steps.push(() => void this.#node.host(host).declareQueue(terms));
    else if (!sameQueue(there, terms))
      this.#left.push(`the queue '${terms.name}' of '${host}': another one is there`);
  }

  #readBinding(item: Item): void {
    const host = this.#hostOf(item);
    const to = item.text("destination_type");
    if (to !== "queue" && to !== "exchange")
      throw new Error(`'destination_type' cannot be '${to}': it is queue or exchange`);
    const binding: BindingTerms = {
      ...{ source: item.text("source"), to, destination: item.text("destination") },
      ...{ routingKey: item.text("routing_key"), arguments: item.table("arguments") },
    };
    // The default exchange has all its bindings already.
    if (binding.source === "") return;
    const type = this.#type(host, "exchange", binding.source);
    const end = this.#type(host, to, binding.destination);
    if (type === undefined || end === undefined) {
      // RabbitMQ 4 exports no internal exchanges, and yet what is bound to them.
      const missing =
        type === undefined ? `exchange '${binding.source}'` : `${to} '${binding.destination}'`;
      this.#left.push(
        `a binding of '${host}' from '${binding.source}' to '${binding.destination}': there is no ${missing}`,
      );
      return;
    }
    checkBinding(type, binding);
    this.#steps.push(() => this.#node.host(host).bind(binding));
  }

  /** The type of an exchange that is there, or will be; of a queue "". Undefined: it is not. */
  #type(host: string, kind: "exchange" | "queue", name: string): string | undefined {
    const made = this.#ends.get(endOf(host, kind, name));
    if (made !== undefined) return made;
    const there = this.#node.hosts.get(host);
    if (kind === "queue") return there?.queue(name) === undefined ? undefined : "";
    const exchange = there?.topology.exchange(name) ?? builtIn.find((terms) => terms.name === name);
    return exchange === undefined ? undefined : routingType(exchange);
  }

  #hostOf(item: Item): string {
    const host = this.#host ?? item.text("vhost");
    if (!this.#hosts.has(host)) throw new Error(`there is no virtual host '${host}'`);
    return host;
  }

  #user(item: Item): string {
    const user = item.text("user");
    if (!this.#users.has(user)) throw new Error(`there is no user '${user}'`);
    return user;
  }
}

/** RabbitMQ 4 says the type beside the arguments, also where it was not declared but is that of the virtual host. */
function typeOf({ given: { type } }: Item): { readonly [name: string]: Json } {
  return typeof type === "string" && type !== "classic" ? { "x-queue-type": type } : {};
}

function endOf(host: string, kind: string, name: string): string {
  return JSON.stringify([host, kind, name]);
}

function limitOf(name: string, value: Json | undefined): { readonly [name: string]: number } {
  return typeof value === "number" ? { [name]: value } : {};
}

function sameQueue(there: QueueTerms, other: QueueTerms): boolean {
  return there.durable === other.durable && alike(argumentsOf(there), argumentsOf(other));
}

function alike(left: QueueTerms["arguments"], right: QueueTerms["arguments"]): boolean {
  const sorted = (table: QueueTerms["arguments"]): string =>
    JSON.stringify(Object.entries(plainTable(table)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(left) === sorted(right);
}
