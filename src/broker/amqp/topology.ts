import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Channel, Enqueued } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { header } from "./message.ts";
import { nativeOf, type AmqpBinding, type AmqpChannel } from "./native.ts";

/** Arguments of a declaration. No Date: the client would write an empty table. */
export type Arguments = Readonly<Record<string, string | number | boolean>>;

export interface ExchangePlan {
  readonly name: string;
  readonly type: string;
  readonly arguments: Arguments;
}

export interface QueuePlan {
  readonly name: string;
  readonly arguments: Arguments;
  /** Gone with its connection. */
  readonly exclusive?: boolean;
}

export interface BindingPlan {
  readonly from: string;
  readonly to: { readonly queue: string } | { readonly exchange: string };
  readonly routingKey: string;
  readonly arguments: Arguments;
}

/** Declared in this order: exchanges, queues, bindings. */
export interface Plan {
  readonly exchanges: readonly ExchangePlan[];
  readonly queues: readonly QueuePlan[];
  readonly bindings: readonly BindingPlan[];
}

/** Where a message is published to. The exchange without a name is the default one: it knows each queue by its name. */
export interface Place {
  readonly exchange: string;
  readonly routingKey: (envelope: Envelope) => string;
}

/**
 * How often a quorum queue may deliver a message before it drops it: so often that nobody gets there. RabbitMQ 4 would drop it after
 * 20 times, and 3 takes no -1. Giving up is for the consumer to say.
 */
const deliveryLimit = 2_000_000_000;

/** The longest name of a queue in bytes. */
const nameBytesMax = 255;

/** What is not told from a channel alone. */
export interface Cluster {
  /** How many members quorum queues are declared with. Undefined: the server's own. */
  readonly replicas: number | undefined;
}

/** The queue of a group, or of a channel of shape queue, without its shards. */
export function targetOf({ name, shape }: Channel, group: string | undefined): string {
  return shape === "queue" ? name : `${name}@${group}`;
}

/** The queues that a group consumes: in order one for each of `shards`, else one. */
export function queuesOf(
  channel: Channel,
  group: string | undefined,
  shards: number,
): readonly string[] {
  const target = targetOf(channel, group);
  if (!channel.ordered) return [target];
  return Array.from({ length: shards }, (_, index) => shardOf(target, index));
}

/** With leading zeros, so that a server that starts again finds the shards in the order in which they were bound. */
export function shardOf(target: string, index: number): string {
  return `${target}#${String(index).padStart(shardDigits, "0")}`;
}

const shardDigits = 4;

/** The targets of a channel that are divided into shards. */
export function dividedOf(channel: Channel, groups: readonly string[]): readonly string[] {
  if (!channel.ordered) return [];
  if (channel.shape === "queue") return [channel.name];
  return [...new Set([...channel.groups, ...groups])].map((group) => targetOf(channel, group));
}

/**
 * The queue by which the members of a divided group are counted: a quorum queue, so that it outlives any node. Nothing is ever in
 * it, so its bound is free to say how many shards there are: the server compares that with each declaration, which it does with
 * no argument of our own.
 */
export function membersOf(target: string, shards: number, cluster: Cluster): QueuePlan {
  return {
    name: `${target}~members`,
    arguments: { ...quorumArguments(cluster), "x-max-length": shards },
  };
}

/** The queue by which those are counted that have too few shards. It is gone when nobody has used it for an hour. */
export function hungryOf(target: string, cluster: Cluster): QueuePlan {
  return {
    name: `${target}~hungry`,
    arguments: { ...quorumArguments(cluster), "x-expires": 3_600_000 },
  };
}

/** The queue whose only consumer is the one of a group that consumes. Nothing is ever in it; only classic queues have such consumers. */
export function onlyOf(target: string): QueuePlan {
  return {
    name: `${target}~only`,
    arguments: { "x-queue-type": "classic", "x-expires": 3_600_000 },
  };
}

export function quorumArguments({ replicas }: Cluster): Arguments {
  return {
    "x-queue-type": "quorum",
    ...(replicas === undefined ? {} : { "x-quorum-initial-group-size": replicas }),
  };
}

export function streamOf({ name }: Channel): string {
  return `${name}@stream`;
}

/** Where all messages of a channel go; of a redriven one, to its group alone. */
export function placeOf(channel: Channel, group: string | undefined): Place {
  const { exchange, routingKey = "type" } = nativeOf(channel);
  const by = (envelope: Envelope): string => envelope[routingKey] ?? "";
  if (channel.shape === "topic" && group === undefined)
    return { exchange: channel.name, routingKey: by };
  const target = targetOf(channel, group);
  if (channel.ordered) return { exchange: target, routingKey: by };
  if (channel.shape === "queue" && exchange !== undefined)
    return { exchange: target, routingKey: by };
  return { exchange: "", routingKey: () => target };
}

/** What a receipt of a channel says. */
export function receiptOf(channel: Channel, { replicas }: Cluster): Enqueued {
  if (typeOf(channel) === "classic")
    return channel.guarantee === "at-most-once" ? "accepted" : "stored";
  return replicas !== undefined && replicas > 1 ? "replicated" : "stored";
}

function typeOf(channel: Channel): "quorum" | "classic" {
  const { queue } = nativeOf(channel);
  if (queue !== undefined) return queue;
  return channel.guarantee === "at-most-once" || channel.priorityMax > 0 ? "classic" : "quorum";
}

/** Refuses with UNIMPLEMENTED what no topology of RabbitMQ keeps. */
export function check(channel: Channel, cluster: Cluster): void {
  const { name, guarantee, enqueued, compacted, ordered, priorityMax } = channel;
  if (guarantee === "exactly-once")
    throw refused(name, "RabbitMQ has no transactions over queues", "ask for at-least-once");
  if (compacted) throw refused(name, "RabbitMQ does not compact", "keep the last state elsewhere");
  if (ordered && priorityMax > 0)
    throw refused(name, "priorities overtake, so there is no order per key", "ask for one of them");
  if (priorityMax > 255) throw refused(name, "a priority is at most 255", "use few of them");
  if (priorityMax > 0 && nativeOf(channel).queue === "quorum")
    throw refused(name, "quorum queues have no priorities", "leave out native.amqp.queue");
  const best: readonly Enqueued[] = ["accepted", "stored", "replicated"];
  const given = receiptOf(channel, cluster);
  if (enqueued === undefined || best.indexOf(given) >= best.indexOf(enqueued)) return;
  throw refused(
    name,
    `a receipt here says "${given}", not "${enqueued}"`,
    enqueued === "replicated"
      ? "say how many nodes keep each quorum queue, amqp({ replicas: 3 }), and leave the queue a quorum queue"
      : "leave the queue durable",
  );
}

/** What must be there before something is published that is mandatory or not: a topic without its groups. */
export function entryOf(channel: Channel, cluster: Cluster): Plan {
  return topicPlan(channel, nativeOf(channel), cluster);
}

/** How many shards a target has. */
export type ShardsOf = (target: string) => number;

/** What a channel needs for its groups, and for those that are known beforehand. */
export function planOf(
  channel: Channel,
  groups: readonly string[],
  cluster: Cluster,
  shardsOf: ShardsOf,
): Plan {
  const native = nativeOf(channel);
  const plans: Plan[] = [];
  if (channel.shape === "topic") {
    plans.push(topicPlan(channel, native, cluster));
    for (const group of new Set([...channel.groups, ...groups]))
      plans.push(groupPlan(channel, group, cluster, shardsOf));
  } else plans.push(queuePlan(channel, cluster, shardsOf));
  const plan = {
    exchanges: plans.flatMap(({ exchanges }) => exchanges),
    queues: plans.flatMap(({ queues }) => queues),
    bindings: plans.flatMap(({ bindings }) => bindings),
  };
  for (const { name } of plan.queues)
    if (Buffer.byteLength(name) > nameBytesMax)
      throw systemError(
        "INVALID_ARGUMENT",
        `the queue ${name} has more than ${nameBytesMax} bytes`,
        {
          executed: "no",
          advice: "shorten the name of the channel or of its group",
        },
      );
  return plan;
}

function topicPlan(channel: Channel, native: AmqpChannel, cluster: Cluster): Plan {
  const { name } = channel;
  const stream = streamOf(channel);
  const kept = native.stream === true;
  return {
    exchanges: [exchangePlan(name, native.exchange ?? "fanout", native)],
    queues: kept ? [{ name: stream, arguments: streamArguments(channel, cluster) }] : [],
    bindings: [
      ...sources(name, native),
      ...(kept ? bindingsOf(name, { queue: stream }, native, undefined) : []),
    ],
  };
}

function groupPlan(channel: Channel, group: string, cluster: Cluster, shardsOf: ShardsOf): Plan {
  const native = nativeOf(channel);
  const target = targetOf(channel, group);
  const to = channel.ordered ? { exchange: target } : { queue: target };
  const own = shardsPlan(channel, group, cluster, shardsOf);
  return { ...own, bindings: [...own.bindings, ...bindingsOf(channel.name, to, native, group)] };
}

function queuePlan(channel: Channel, cluster: Cluster, shardsOf: ShardsOf): Plan {
  const { name, ordered } = channel;
  const native = nativeOf(channel);
  const own = shardsPlan(channel, undefined, cluster, shardsOf);
  if (ordered || native.exchange === undefined)
    return { ...own, bindings: [...own.bindings, ...(ordered ? sources(name, native) : [])] };
  return {
    ...own,
    exchanges: [...own.exchanges, exchangePlan(name, native.exchange, native)],
    bindings: [
      ...own.bindings,
      ...sources(name, native),
      ...bindingsOf(name, { queue: name }, native, ""),
    ],
  };
}

/** The queue of a group, or a hash exchange with a queue for each shard of it, of which one consumer at a time gets anything. */
function shardsPlan(
  channel: Channel,
  group: string | undefined,
  cluster: Cluster,
  shardsOf: ShardsOf,
): Plan {
  const target = targetOf(channel, group);
  const shards = shardsOf(target);
  const names = queuesOf(channel, group, shards);
  const given = queueArguments(channel, shards, cluster);
  if (!channel.ordered)
    return { exchanges: [], queues: [{ name: target, arguments: given }], bindings: [] };
  return {
    exchanges: [
      { name: target, type: "x-consistent-hash", arguments: { "hash-header": header.key } },
    ],
    queues: names.map((name) => ({
      name,
      arguments: { ...given, "x-single-active-consumer": true },
    })),
    // The routing key is the weight of a shard.
    bindings: names.map((queue) => ({
      from: target,
      to: { queue },
      routingKey: "1",
      arguments: {},
    })),
  };
}

function queueArguments(channel: Channel, shards: number, cluster: Cluster): Arguments {
  const { retentionMs, lengthMax, priorityMax, ordered } = channel;
  const native = nativeOf(channel);
  const { deadLetter } = native;
  const type = typeOf(channel);
  const length = lengthMax === undefined || !ordered ? lengthMax : Math.ceil(lengthMax / shards);
  return {
    ...(type === "quorum"
      ? { ...quorumArguments(cluster), "x-delivery-limit": deliveryLimit }
      : { "x-queue-type": type }),
    ...(retentionMs === undefined ? {} : { "x-message-ttl": retentionMs }),
    // The oldest would be dropped otherwise, without a word.
    ...(length === undefined ? {} : { "x-max-length": length, "x-overflow": "reject-publish" }),
    ...(priorityMax > 0 ? { "x-max-priority": priorityMax } : {}),
    ...(deadLetter === undefined ? {} : { "x-dead-letter-exchange": deadLetter.exchange }),
    ...(deadLetter?.routingKey === undefined
      ? {}
      : { "x-dead-letter-routing-key": deadLetter.routingKey }),
    ...native.arguments,
  };
}

function streamArguments({ retentionMs }: Channel, { replicas }: Cluster): Arguments {
  return {
    "x-queue-type": "stream",
    ...(retentionMs === undefined ? {} : { "x-max-age": `${Math.ceil(retentionMs / 1_000)}s` }),
    ...(replicas === undefined ? {} : { "x-initial-cluster-size": replicas }),
  };
}

function exchangePlan(name: string, type: string, { alternate }: AmqpChannel): ExchangePlan {
  return {
    name,
    type,
    arguments: alternate === undefined ? {} : { "alternate-exchange": alternate },
  };
}

function sources(name: string, { from = [] }: AmqpChannel): BindingPlan[] {
  return from.map(({ exchange, routingKey = "#" }) => ({
    from: exchange,
    to: { exchange: name },
    routingKey,
    arguments: {},
  }));
}

/** What a group is bound for: undefined of a group: everything. */
export function bindingsOf(
  from: string,
  to: BindingPlan["to"],
  { exchange, bindings = {} }: AmqpChannel,
  group: string | undefined,
): BindingPlan[] {
  const all: readonly AmqpBinding[] = [exchange === "direct" ? { routingKey: from } : {}];
  const wanted = (group === undefined ? undefined : bindings[group]) ?? all;
  return wanted.map(({ routingKey = "#", headers, match = "all" }) => ({
    from,
    to,
    routingKey,
    arguments: exchange === "headers" ? { "x-match": match, ...headers } : {},
  }));
}

function refused(name: string, reason: string, advice: string): TrunklineError {
  return systemError("UNIMPLEMENTED", `the channel ${name}: ${reason}`, {
    executed: "no",
    advice,
  });
}
