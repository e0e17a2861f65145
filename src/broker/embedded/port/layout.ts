import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Drift } from "../../broker.ts";
import type { Channel } from "../../channel.ts";
import {
  queueTerms,
  type BindingTerms,
  type ExchangeTerms,
  type QueueTerms,
  type Table,
} from "../terms.ts";
import { hostDefault } from "../node.ts";
import { declaredTerms } from "../queue-arguments.ts";
import { nativeOf } from "./native.ts";

/** The longest name of a queue, in bytes. */
const nameBytesMax = 255;
/** The highest priority of AMQP. */
const priorityMost = 255;

/** The queue of a group, or of a channel of shape queue. */
export function targetOf({ name, shape }: Channel, group: string | undefined): string {
  return shape === "queue" ? name : `${name}@${group}`;
}

/** The log of a topic whose messages are kept. */
export function logOf({ name }: Channel): string {
  return `${name}@log`;
}

/** True where what was consumed can be consumed again. */
export function isKept({ shape, retentionMs, compacted }: Channel): boolean {
  return shape === "topic" && (retentionMs !== undefined || compacted);
}

/** True where a receipt says no more than that the message is in memory. */
export function isTransient({ guarantee, enqueued }: Channel): boolean {
  return guarantee === "at-most-once" || enqueued === "accepted";
}

/** What the messages of a topic are published to: each queue that is bound gets each of them. */
export function exchangeOf({ name }: Channel): ExchangeTerms {
  return {
    name,
    type: "fanout",
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: {},
  };
}

export function bindingOf(source: string, destination: string): BindingTerms {
  return { source, to: "queue", destination, routingKey: "", arguments: {} };
}

/** The terms of the queue of a group, or of a channel of shape queue: as a client of AMQP would declare it. */
export function queueOf(channel: Channel, group: string | undefined): QueueTerms {
  const { ordered, shards, priorityMax, lengthMax, retentionMs, compacted } = channel;
  const { level, deadLetter, arguments: more } = nativeOf(channel);
  const { exchange, routingKey } = deadLetter ?? {};
  return declared(targetOf(channel, group), {
    "x-shards": ordered ? shards : undefined,
    "x-max-priority": priorityMax > 0 ? priorityMax : undefined,
    "x-max-length": lengthMax,
    // The oldest would be dropped otherwise, without a word.
    "x-overflow": lengthMax === undefined ? undefined : "reject-publish",
    "x-message-ttl": compacted ? undefined : retentionMs,
    "x-level": level,
    "x-dead-letter-exchange": exchange,
    "x-dead-letter-routing-key": routingKey,
    ...more,
  });
}

/** The queue of one consumer without a group: gone with it, and never written for longer than the process lives. */
export function aloneOf(channel: Channel, name: string): QueueTerms {
  const { ttlMs, priorityMax } = queueOf(channel, undefined);
  return queueTerms({
    name: named(name),
    durable: false,
    autoDelete: true,
    level: "memory",
    ttlMs,
    priorityMax,
  });
}

/** The terms of a topic's log. */
export function logTermsOf(channel: Channel): QueueTerms {
  const { retentionMs, compacted } = channel;
  return declared(logOf(channel), {
    "x-queue-type": "stream",
    "x-max-age":
      compacted || retentionMs === undefined ? undefined : `${Math.ceil(retentionMs / 1_000)}s`,
    "x-compacted": compacted ? true : undefined,
    "x-level": nativeOf(channel).level,
  });
}

function declared(name: string, given: Table): QueueTerms {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return declaredTerms(
    {
      name: named(name),
      durable: true,
      autoDelete: false,
      owner: undefined,
      arguments: Object.fromEntries(said),
    },
    hostDefault,
  );
}

/** What may not differ between a declaration and what is there, and how it is called for people. */
const compared: readonly (readonly [Exclude<keyof QueueTerms, "arguments">, string])[] = [
  ["kind", "kind"],
  ["shards", "shards"],
  ["priorityMax", "priorityMax"],
  ["lengthMax", "lengthMax"],
  ["ttlMs", "retentionMs"],
  ["retentionMs", "retentionMs"],
  ["compacted", "compacted"],
  ["level", "level"],
  ["deadLetterExchange", "deadLetter"],
];

/** How a queue that is there differs from what is declared. */
export function driftsOf(channel: Channel, wanted: QueueTerms, found: QueueTerms): Drift[] {
  return compared
    .filter(([name]) => wanted[name] !== found[name])
    .map(([name, told]) => ({
      channel: channel.name,
      what: `queue ${wanted.name}: ${told}`,
      declared: String(wanted[name]),
      found: String(found[name]),
    }));
}

/** @throws TrunklineError UNIMPLEMENTED for what cannot be kept, INVALID_ARGUMENT for what cannot be meant. */
export function check(channel: Channel): void {
  const { name, shape, enqueued, ordered, priorityMax } = channel;
  if (enqueued === "replicated")
    throw refused(
      name,
      "it is on one machine, so that no receipt says that a message is replicated",
      'ask for "stored", which means that it is synced to disk here, or use a broker of several nodes',
    );
  if (ordered && priorityMax > 0)
    throw refused(name, "priorities overtake, so there is no order per key", "ask for one of them");
  if (priorityMax > priorityMost)
    throw refused(name, `a priority is at most ${priorityMost}`, "use few of them");
  if (shape === "queue") queueOf(channel, undefined);
  else for (const group of channel.groups) queueOf(channel, group);
}

function refused(name: string, reason: string, advice: string): TrunklineError {
  return systemError("UNIMPLEMENTED", `the channel ${name}: ${reason}`, { executed: "no", advice });
}

function named(name: string): string {
  if (Buffer.byteLength(name) <= nameBytesMax) return name;
  throw systemError("INVALID_ARGUMENT", `the queue ${name} has more than ${nameBytesMax} bytes`, {
    executed: "no",
    advice: "shorten the name of the channel or of its group",
  });
}
