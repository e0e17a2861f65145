import type { Plan } from "./topology.ts";
import { header } from "./message.ts";

/** The shortest delay, in milliseconds, and what all others are made of. */
const unitMs = 20;
/** So many queues, each holding messages twice as long as the one before: 2^27 units are a month. */
const levels = 27;

/** The longest delay in milliseconds: a little over 31 days. */
export const delayMsMax: number = (2 ** levels - 1) * unitMs;

const due = "trunkline.delay.due";
const nowhere = "trunkline.delay.nowhere";
/** What comes out of a delay and finds no queue any more is kept for so long, and no more of it than that. */
const nowhereMs = 7 * 86_400_000;
const nowhereMax = 100_000;

function level(number: number): string {
  return `trunkline.delay.${String(number).padStart(2, "0")}`;
}

/** The exchange that delayed messages are published to. */
export const delayExchange: string = level(levels - 1);

/**
 * The queues that all channels of a virtual host share for their delays. A message passes those whose time is a bit of its delay, from
 * the longest to the shortest. All messages of one queue are held equally long, so the first to come is the first to go: none is
 * held up by a longer one before it, as it would be in a queue of messages with times of their own.
 */
export function delayPlan(replicas: number | undefined): Plan {
  const numbers = Array.from({ length: levels }, (_, number) => number);
  const after = (number: number): string => (number === 0 ? due : level(number - 1));
  const bit = (number: number, set: boolean): Record<string, string> => ({
    "x-match": "all",
    [header.delay + String(number)]: set ? "1" : "0",
  });
  return {
    exchanges: [
      { name: nowhere, type: "fanout", arguments: {} },
      { name: due, type: "headers", arguments: { "alternate-exchange": nowhere } },
      ...numbers.map((number) => ({ name: level(number), type: "headers", arguments: {} })),
    ],
    queues: [
      {
        name: nowhere,
        arguments: {
          "x-queue-type": "quorum",
          "x-message-ttl": nowhereMs,
          "x-max-length": nowhereMax,
        },
      },
      ...numbers.map((number) => ({
        name: level(number),
        arguments: {
          "x-queue-type": "quorum",
          "x-message-ttl": unitMs * 2 ** number,
          "x-dead-letter-exchange": after(number),
          // Nothing leaves a queue before the next one has confirmed that it has it.
          "x-dead-letter-strategy": "at-least-once",
          "x-overflow": "reject-publish",
          ...(replicas === undefined ? {} : { "x-quorum-initial-group-size": replicas }),
        },
      })),
    ],
    bindings: [
      { from: nowhere, to: { queue: nowhere }, routingKey: "", arguments: {} },
      ...numbers.flatMap((number) => [
        {
          from: level(number),
          to: { queue: level(number) },
          routingKey: "",
          arguments: bit(number, true),
        },
        {
          from: level(number),
          to: { exchange: after(number) },
          routingKey: "",
          arguments: bit(number, false),
        },
      ]),
    ],
  };
}

/** How a message finds from the delays to where it goes in the end. */
export function duePlan(to: { readonly queue: string } | { readonly exchange: string }): Plan {
  const target = targetText(to);
  return {
    exchanges: [],
    queues: [],
    bindings: [
      { from: due, to, routingKey: "", arguments: { "x-match": "all", [header.to]: target } },
    ],
  };
}

function targetText(to: { readonly queue: string } | { readonly exchange: string }): string {
  return "queue" in to ? `queue:${to.queue}` : `exchange:${to.exchange}`;
}

/** The headers by which a message is held for `delayMs`, rounded up to the next unit, and goes to `to` then. */
export function delayHeaders(
  delayMs: number,
  to: { readonly queue: string } | { readonly exchange: string },
): Record<string, string> {
  const units = Math.min(2 ** levels - 1, Math.max(1, Math.ceil(delayMs / unitMs)));
  const headers: Record<string, string> = { [header.to]: targetText(to) };
  for (let number = 0; number < levels; number++)
    headers[header.delay + String(number)] = Math.floor(units / 2 ** number) % 2 === 1 ? "1" : "0";
  return headers;
}
