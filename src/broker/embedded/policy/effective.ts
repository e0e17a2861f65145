import type { Json } from "../storage.ts";
import type { ExchangeTerms, Overflow, QueueTerms } from "../terms.ts";
import { ageMs, type Settings } from "./settings.ts";

/**
 * What a queue lives by, when it was declared with `terms` and policies set what they set. As in RabbitMQ: of bounds and times the
 * smallest holds, whoever says it; of all else what the declaration says, then the policy.
 */
export function effectiveQueue(
  terms: QueueTerms,
  settings: Settings,
  operator: Settings,
): QueueTerms {
  const least = (declared: number | undefined, name: string): number | undefined =>
    smallest(declared, countOf(settings[name]), countOf(operator[name]));
  const retention = smallest(terms.retentionMs, ageOf(settings["max-age"]), undefined);
  return {
    ...terms,
    ttlMs: least(terms.ttlMs, "message-ttl"),
    expiresMs: least(terms.expiresMs, "expires"),
    lengthMax: least(terms.lengthMax, "max-length"),
    bytesMax: least(terms.bytesMax, "max-length-bytes"),
    deliveryLimit: least(terms.deliveryLimit, "delivery-limit"),
    retentionMs: terms.kind === "log" ? retention : terms.retentionMs,
    overflow: overflowOf(terms, settings, operator),
    deadLetterExchange: terms.deadLetterExchange ?? textOf(settings["dead-letter-exchange"]),
    deadLetterRoutingKey: terms.deadLetterRoutingKey ?? textOf(settings["dead-letter-routing-key"]),
  };
}

/** Where an exchange sends what it can route nowhere: as declared, else as the policy says. */
export function effectiveAlternate(terms: ExchangeTerms, settings: Settings): string | undefined {
  const declared = terms.arguments["alternate-exchange"];
  return typeof declared === "string" ? declared : textOf(settings["alternate-exchange"]);
}

/** What both policies set, as it is shown of a queue. */
export function merged(settings: Settings, operator: Settings): Settings {
  const all: { [name: string]: Json } = { ...settings };
  for (const [name, value] of Object.entries(operator)) {
    const given = all[name];
    const bothCount = typeof given === "number" && typeof value === "number";
    all[name] = bothCount ? Math.min(given, value) : value;
  }
  return all;
}

/** What was declared otherwise than by saying nothing stays. */
function overflowOf(terms: QueueTerms, settings: Settings, operator: Settings): Overflow {
  if (terms.arguments["x-overflow"] !== undefined || terms.overflow !== "drop-head")
    return terms.overflow;
  return (operator["overflow"] ?? settings["overflow"] ?? terms.overflow) as Overflow;
}

function smallest(...counts: readonly (number | undefined)[]): number | undefined {
  const said = counts.filter((count) => count !== undefined);
  return said.length === 0 ? undefined : Math.min(...said);
}

/** −1 is RabbitMQ's word for no limit of deliveries. */
function countOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function ageOf(value: Json | undefined): number | undefined {
  return typeof value === "string" ? ageMs(value) : undefined;
}
