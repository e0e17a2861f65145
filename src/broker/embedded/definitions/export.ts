import { exportedHash } from "../access/password.ts";
import type { User } from "../access/users.ts";
import type { Node } from "../node.ts";
import type { Policy } from "../policy/policies.ts";
import type { BindingTerms, ExchangeTerms, QueueTerms, Table } from "../terms.ts";
import type { VirtualHost } from "../virtual-host.ts";
import type {
  Arguments,
  BindingItem,
  DefinitionsDocument,
  ExchangeItem,
  ParameterItem,
  PolicyItem,
  QueueItem,
  UserItem,
} from "./document.ts";
import { plainTable } from "./plain-table.ts";

/** The version of RabbitMQ whose ways this broker has: its tools ask for it. */
export const rabbitmqVersion = "3.13.7";

/**
 * All that was made in the broker, messages and queues of one connection alone excepted, as RabbitMQ writes it. Passwords that are kept in our way mean nothing to
 * RabbitMQ: users need new ones there. With a virtual host: what is in that one alone.
 */
export function exportDefinitions(node: Node, host?: string): DefinitionsDocument {
  const { access } = node;
  const versions = { rabbit_version: rabbitmqVersion, rabbitmq_version: rabbitmqVersion };
  if (host !== undefined) {
    const parts = hostParts(node, node.host(host));
    return { rabbit_version: rabbitmqVersion, ...withoutHost(parts) };
  }
  const sum = { parameters: [], policies: [], queues: [], exchanges: [], bindings: [] } as {
    -readonly [part in keyof HostParts]: HostParts[part][number][];
  };
  for (const each of node.hosts.values()) {
    const parts = hostParts(node, each);
    sum.parameters.push(...parts.parameters);
    sum.policies.push(...parts.policies);
    sum.queues.push(...parts.queues);
    sum.exchanges.push(...parts.exchanges);
    sum.bindings.push(...parts.bindings);
  }
  return {
    ...versions,
    product_name: "Trunkline",
    users: [...access.users].map((user) => userItem(node, user)),
    vhosts: [...node.hosts.keys()].map((name) => ({ name })),
    permissions: [...access.permissions].map(({ host: vhost, ...rest }) => ({ ...rest, vhost })),
    topic_permissions: [...access.permissions.topics()].map(({ host: vhost, ...rest }) => ({
      ...rest,
      vhost,
    })),
    global_parameters: [],
    ...sum,
  };
}

interface HostParts {
  readonly parameters: readonly ParameterItem[];
  readonly policies: readonly PolicyItem[];
  readonly queues: readonly QueueItem[];
  readonly exchanges: readonly ExchangeItem[];
  readonly bindings: readonly BindingItem[];
}

function hostParts({ access, policies }: Node, host: VirtualHost): HostParts {
  const { name, topology } = host;
  const limits = hostLimitsOf(access.quotas.ofHost(name));
  const queues = [...host.queues()]
    .map((queue) => host.declared(queue.name) ?? queue.terms)
    .filter(({ owner }) => owner === undefined);
  const exchanges = [...topology.exchanges()].filter((terms) => !builtIn(terms.name));
  const kept = new Set(queues.map((terms) => terms.name));
  return {
    parameters: [
      ...(Object.keys(limits).length === 0
        ? []
        : [{ value: limits, vhost: name, component: "vhost-limits", name: "limits" }]),
      ...policies.all(true, name).map(operatorParameter),
    ],
    policies: policies.all(false, name).map(policyItem),
    queues: queues.map((terms) => queueItem(name, terms)),
    exchanges: exchanges.map((terms) => exchangeItem(name, terms)),
    bindings: [...topology.bindings()]
      .filter(({ to, destination }) => to === "exchange" || kept.has(destination))
      .map((terms) => bindingItem(name, terms)),
  };
}

export function userItem({ access }: Node, { name, tags, passwordHash }: User): UserItem {
  const { hash, algorithm, own } = exportedHash(passwordHash);
  const { connections, channels } = access.quotas.ofUser(name);
  return {
    ...{ name, password_hash: hash, hashing_algorithm: algorithm, tags },
    ...(own === undefined ? {} : { trunkline_password_hash: own }),
    limits: present({ "max-connections": connections, "max-channels": channels }),
  };
}

export function policyItem(policy: Policy): PolicyItem {
  const { host: vhost, name, pattern, applyTo, definition, priority } = policy;
  return { vhost, name, pattern, "apply-to": applyTo, definition, priority };
}

export function exchangeItem(vhost: string, terms: ExchangeTerms): ExchangeItem {
  const { name, type, durable, autoDelete, internal } = terms;
  const table = plainTable(terms.arguments);
  return { name, vhost, type, durable, auto_delete: autoDelete, internal, arguments: table };
}

export function bindingItem(vhost: string, terms: BindingTerms): BindingItem {
  const { source, destination, to, routingKey } = terms;
  const table = plainTable(terms.arguments);
  return {
    ...{ source, vhost, destination, destination_type: to },
    ...{ routing_key: routingKey, arguments: table },
  };
}

export function hostLimitsOf(limits: { connections?: number; queues?: number }): Arguments {
  return present({ "max-connections": limits.connections, "max-queues": limits.queues });
}

function queueItem(vhost: string, terms: QueueTerms): QueueItem {
  const { name, durable, autoDelete } = terms;
  const table = plainTable(argumentsOf(terms));
  return { name, vhost, durable, auto_delete: autoDelete, arguments: table };
}

/** What a queue was declared with, as arguments: also those which another face than AMQP has said in its own way. */
export function argumentsOf(terms: QueueTerms): Table {
  const said: Table = {
    "x-queue-type": terms.kind === "log" ? "stream" : undefined,
    "x-message-ttl": terms.ttlMs,
    "x-expires": terms.expiresMs,
    "x-max-length": terms.lengthMax,
    "x-max-length-bytes": terms.bytesMax,
    "x-overflow": terms.overflow === "drop-head" ? undefined : terms.overflow,
    "x-dead-letter-exchange": terms.deadLetterExchange,
    "x-dead-letter-routing-key": terms.deadLetterRoutingKey,
    "x-max-priority": terms.priorityMax === 0 ? undefined : terms.priorityMax,
    "x-single-active-consumer": terms.singleActive || undefined,
    "x-shards": terms.shards === 0 ? undefined : terms.shards,
    "x-key-order": terms.keyOrder || undefined,
    "x-level": terms.level === (terms.durable ? "disk" : "memory") ? undefined : terms.level,
    "x-max-age": terms.retentionMs === undefined ? undefined : age(terms.retentionMs),
    "x-compacted": terms.compacted || undefined,
    // RabbitMQ has it of its quorum queues only.
    ...(terms.deliveryLimit === undefined || terms.arguments["x-delivery-limit"] !== undefined
      ? {}
      : { "x-queue-type": "quorum", "x-delivery-limit": terms.deliveryLimit }),
  };
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...terms.arguments };
}

/** In whole seconds, upwards: what is kept is kept at least as long. */
function age(ms: number): string {
  return `${Math.ceil(ms / 1_000)}s`;
}

function operatorParameter(policy: Policy): ParameterItem {
  const { vhost, name, ...value } = policyItem(policy);
  return { value, vhost: vhost!, component: "operator_policy", name };
}

function withoutHost(parts: HostParts): HostParts {
  const bare = <Item extends { readonly vhost?: string }>(items: readonly Item[]): Item[] =>
    items.map((item) => {
      const { vhost: left, ...rest } = item;
      return left === undefined ? item : (rest as Item);
    });
  return {
    parameters: bare(parts.parameters),
    policies: bare(parts.policies),
    queues: bare(parts.queues),
    exchanges: bare(parts.exchanges),
    bindings: bare(parts.bindings),
  };
}

function builtIn(name: string): boolean {
  return name === "" || name.startsWith("amq.");
}

function present(of: { readonly [name: string]: number | undefined }): Arguments {
  return Object.fromEntries(
    Object.entries(of).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
