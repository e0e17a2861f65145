import { readProperties, reviseHeaders, reviseProperties } from "../../wire/amqp091/properties.ts";
import { instant } from "../../base/timestamp.ts";
import type { Message } from "./message.ts";
import type { FieldValue, Table } from "./terms.ts";

/** Why a message is given up, as `x-death` names it. */
export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** Where a queue sends its dead letters. */
export interface DeathTerms {
  readonly exchange: string;
  /** Undefined: the one that the message had. */
  readonly routingKey: string | undefined;
}

/** Queues and reasons that one message remembers; what died longest ago is forgotten. */
const deathsMax = 128;

/**
 * The dead letter of a message that was given up in a queue: the same message, published to another exchange. As RabbitMQ does, it
 * tells in the header `x-death` of each queue and reason how often, when first, and from where; beside that `x-first-death-…` and
 * `x-last-death-…` of the first and of the last death. It expires no more, and with another key it has no copies (`CC`).
 */
export function deadLetter(
  message: Message,
  reason: DeathReason,
  queue: string,
  to: DeathTerms,
  nowMs: number,
): Message {
  const { headers = {}, expiration } = readProperties(message.properties);
  const before = deathsOf(headers);
  const same = before.find((each) => isOf(each, queue, reason));
  const keys = [message.routingKey, ...textsOf(headers["CC"])];
  const death =
    same === undefined
      ? {
          count: 1n,
          reason,
          queue,
          time: instant(nowMs),
          exchange: message.exchange,
          "routing-keys": keys,
          ...(expiration === undefined ? {} : { "original-expiration": expiration }),
        }
      : { ...same, count: BigInt(same.count) + 1n };
  const others = before.filter((each) => each !== same).slice(0, deathsMax - 1);
  const first = { reason, queue, exchange: message.exchange };
  const revised = reviseHeaders(message.properties, {
    "x-death": [death, ...others.map(asWritten)],
    ...(headers["x-death"] === undefined ? named("x-first-death", first) : {}),
    ...named("x-last-death", first),
    ...(to.routingKey === undefined ? {} : { CC: undefined }),
  });
  return {
    ...message,
    exchange: to.exchange,
    routingKey: to.routingKey ?? message.routingKey,
    properties:
      expiration === undefined ? revised : reviseProperties(revised, { expiration: undefined }),
    expirationMs: undefined,
    cached: undefined,
  };
}

/**
 * Of the queues that a dead letter goes to those that it has not died in before, all by itself: since nobody rejected it on its
 * way, it would go round for ever. A rejection is somebody's wish.
 */
export function withoutCycles(
  letter: Message,
  reason: DeathReason,
  queues: readonly string[],
): readonly string[] {
  if (reason === "rejected" || queues.length === 0) return queues;
  const deaths = deathsOf(readProperties(letter.properties).headers ?? {});
  return queues.filter((queue) => !isCycle(deaths, queue));
}

function isCycle(deaths: readonly Table[], queue: string): boolean {
  const at = deaths.findIndex((death) => death["queue"] === queue);
  return at >= 0 && deaths.slice(0, at + 1).every((death) => death["reason"] !== "rejected");
}

/** A death that a broker has written. */
type Death = Table & { readonly count: number | bigint };

/** What is there under the name and cannot be deaths is overwritten: a publisher may have written anything there. */
function deathsOf(headers: Table): readonly Death[] {
  const deaths = headers["x-death"];
  return Array.isArray(deaths) ? (deaths as readonly FieldValue[]).filter(isDeath) : [];
}

function isDeath(value: FieldValue): value is Death {
  const count = isTable(value) ? value["count"] : undefined;
  return typeof count === "bigint" || Number.isSafeInteger(count);
}

function isTable(value: FieldValue): value is Table {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  );
}

function isOf(death: Table, queue: string, reason: DeathReason): boolean {
  return death["queue"] === queue && death["reason"] === reason;
}

/** With its count as a long, which it was before it was read. */
function asWritten(death: Death): Table {
  return { ...death, count: BigInt(death.count) };
}

function textsOf(value: FieldValue): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function named(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}-${name}`, value]),
  );
}
