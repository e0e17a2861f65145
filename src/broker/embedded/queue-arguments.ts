import { ageMs } from "./policy/settings.ts";
import { Refusal } from "./refusal.ts";
import { called, checkEquivalent, checkEquivalentArgument } from "./routing/refusals.ts";
import type { Level } from "./storage.ts";
import {
  queueTerms,
  typeName,
  type FieldValue,
  type Overflow,
  type QueueTerms,
  type Table,
} from "./terms.ts";

/** A queue as AMQP 0-9-1 declares it. */
export interface DeclaredQueue {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection whose alone it is. */
  readonly owner: string | undefined;
  readonly arguments: Table;
}

/** What the parts of a queue that is divided by its keys may be in number. */
const shardsMax = 1_024;

type Check = (value: FieldValue, given: Table) => string | undefined;

/** What is wrong with an argument, in RabbitMQ's words. What stands in no row is taken and means nothing, as there. */
const checks: Readonly<Record<string, Check>> = {
  "x-queue-type": (value) =>
    text(value) ??
    (kinds.includes(value as Kind) ? undefined : `"unsupported queue type '${value as string}'"`),
  "x-message-ttl": count,
  "x-expires": (value) => count(value) ?? (Number(value) === 0 ? "{value_zero,0}" : undefined),
  "x-max-length": count,
  "x-max-length-bytes": count,
  "x-max-priority": (value) =>
    count(value) ?? (Number(value) > 255 ? `{max_value_exceeded,${Number(value)}}` : undefined),
  "x-overflow": (value) =>
    text(value) ?? (overflows.includes(value as Overflow) ? undefined : "invalid_overflow"),
  "x-queue-mode": (value) =>
    text(value) ??
    (["default", "lazy"].includes(value as string)
      ? undefined
      : `"unsupported queue mode '${value as string}'"`),
  "x-single-active-consumer": flag,
  "x-dead-letter-exchange": text,
  "x-dead-letter-routing-key": (value, given) =>
    text(value) ??
    (given["x-dead-letter-exchange"] === undefined ? "routing_key_but_no_dlx_defined" : undefined),
  "x-max-age": (value) =>
    text(value) ?? (ageMs(value as string) === undefined ? "invalid_max_age" : undefined),
  // −1: no limit.
  "x-delivery-limit": (value) => (Number(value) === -1 ? undefined : count(value)),
  "x-key-order": flag,
  "x-shards": (value) =>
    count(value) ??
    (Number(value) > shardsMax ? `{max_value_exceeded,${Number(value)}}` : undefined),
  "x-level": (value) =>
    text(value) ??
    (levels.includes(value as Level) ? undefined : `"unsupported level '${value as string}'"`),
  "x-compacted": flag,
};

const kinds = ["classic", "quorum", "stream"] as const;
type Kind = (typeof kinds)[number];
const overflows: readonly Overflow[] = ["drop-head", "reject-publish", "reject-publish-dlx"];
const levels: readonly Level[] = ["memory", "os", "disk"];

/** Arguments that have no meaning for a kind of queue, and are refused there. */
const foreign: Readonly<Record<Kind, readonly string[]>> = {
  classic: ["x-delivery-limit", "x-max-age", "x-compacted"],
  quorum: ["x-max-priority", "x-queue-mode", "x-max-age", "x-compacted"],
  stream: [
    ...[
      "x-message-ttl",
      "x-expires",
      "x-max-length",
      "x-max-priority",
      "x-overflow",
      "x-queue-mode",
    ],
    ...["x-single-active-consumer", "x-dead-letter-exchange", "x-dead-letter-routing-key"],
    ...["x-delivery-limit", "x-key-order", "x-shards"],
  ],
};

/**
 * The terms of a queue that was declared by AMQP 0-9-1. Beside RabbitMQ's arguments there are `x-level` (`memory`, `os` or `disk`:
 * how far a persistent message must have come for its confirm; default of a durable queue `disk`), `x-key-order` and
 * `x-shards` (order per key), and of streams `x-compacted`.
 *
 * @throws Refusal (precondition-failed) which names the argument, in RabbitMQ's words.
 */
export function declaredTerms(declared: DeclaredQueue, host: string): QueueTerms {
  const { name, durable, autoDelete, owner, arguments: given } = declared;
  const queue = called("queue", name, host);
  for (const [argument, check] of Object.entries(checks)) {
    const value = given[argument];
    if (value === undefined) continue;
    const wrong = check(value, given);
    if (wrong !== undefined) throw refusal(`invalid arg '${argument}' for ${queue}: ${wrong}`);
  }
  const type = (given["x-queue-type"] ?? "classic") as Kind;
  for (const argument of foreign[type])
    if (given[argument] !== undefined)
      throw refusal(`invalid arg '${argument}' for ${queue} of queue type rabbit_${type}_queue`);
  if (type !== "classic") {
    const property = propertyWrong(declared);
    if (property !== undefined) throw refusal(`invalid property '${property}' for ${queue}`);
  }
  return queueTerms({
    name,
    kind: type === "stream" ? "log" : "queue",
    durable,
    owner,
    autoDelete,
    level: (given["x-level"] ?? (durable ? "disk" : "memory")) as Level,
    ttlMs: number(given["x-message-ttl"]),
    expiresMs: number(given["x-expires"]),
    lengthMax: number(given["x-max-length"]),
    bytesMax: number(given["x-max-length-bytes"]),
    overflow: (given["x-overflow"] ?? "drop-head") as Overflow,
    deadLetterExchange: given["x-dead-letter-exchange"] as string | undefined,
    deadLetterRoutingKey: given["x-dead-letter-routing-key"] as string | undefined,
    deliveryLimit: limit(given["x-delivery-limit"]),
    priorityMax: number(given["x-max-priority"]) ?? 0,
    singleActive: given["x-single-active-consumer"] === true,
    shards: number(given["x-shards"]) ?? 0,
    keyOrder: given["x-key-order"] === true,
    retentionMs: given["x-max-age"] === undefined ? undefined : ageMs(given["x-max-age"] as string),
    compacted: given["x-compacted"] === true,
    arguments: given,
  });
}

/** The arguments that must be the same when a queue is declared again. */
const comparedArguments: readonly string[] = Object.keys(checks).filter(
  (argument) => argument !== "x-queue-mode",
);

/**
 * Whether a queue may be declared again with other terms: those that were declared are compared, not what policies made of them.
 * @throws Refusal (precondition-failed) which names the first difference, in RabbitMQ's words.
 */
export function checkSameQueue(received: QueueTerms, current: QueueTerms, host: string): void {
  const name = called("queue", current.name, host);
  checkEquivalent("durable", name, received.durable, current.durable);
  if (current.owner !== received.owner)
    checkEquivalent("exclusive", name, received.owner !== undefined, current.owner !== undefined);
  checkEquivalent("auto_delete", name, received.autoDelete, current.autoDelete);
  const [left, right] = [typed(received), typed(current)];
  for (const argument of comparedArguments) checkEquivalentArgument(argument, name, left, right);
}

/** The arguments with the type that is meant where none is said. */
function typed({ arguments: table }: QueueTerms): Table {
  return { "x-queue-type": "classic", ...table };
}

function propertyWrong({ durable, autoDelete, owner }: DeclaredQueue): string | undefined {
  if (!durable) return "non-durable";
  if (autoDelete) return "auto-delete";
  return owner === undefined ? undefined : "exclusive-owner";
}

function refusal(message: string): Refusal {
  return new Refusal("precondition-failed", message);
}

function count(value: FieldValue): string | undefined {
  if (typeof value === "bigint" || Number.isInteger(value))
    return Number(value) < 0 ? `{value_negative,${Number(value)}}` : undefined;
  return `"expected integer, got ${typeName(value)}"`;
}

function text(value: FieldValue): string | undefined {
  return typeof value === "string" ? undefined : `{unacceptable_type,${typeName(value)}}`;
}

function flag(value: FieldValue): string | undefined {
  return typeof value === "boolean" ? undefined : `{unacceptable_type,${typeName(value)}}`;
}

function number(value: FieldValue): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function limit(value: FieldValue): number | undefined {
  const given = number(value);
  return given === -1 ? undefined : given;
}
