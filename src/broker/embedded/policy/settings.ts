import { Refusal } from "../refusal.ts";
import type { Json } from "../storage.ts";

/** What a policy sets, by RabbitMQ's names. */
export type Settings = { readonly [name: string]: Json };

type Kind = "count" | "positive" | "limit" | "text" | "overflow" | "age" | "any";

/**
 * The settings of policies that do something here, and how their values look. `any`: those of RabbitMQ that have no meaning on one
 * node are taken and do nothing, so that its definitions can be imported.
 */
const kinds: Readonly<Record<string, Kind>> = {
  "message-ttl": "count",
  expires: "positive",
  "max-length": "count",
  "max-length-bytes": "count",
  overflow: "overflow",
  "dead-letter-exchange": "text",
  "dead-letter-routing-key": "text",
  "delivery-limit": "limit",
  "max-age": "age",
  "alternate-exchange": "text",
  "consumer-timeout": "any",
  "dead-letter-strategy": "any",
  "delayed-retry-max": "any",
  "delayed-retry-min": "any",
  "delayed-retry-type": "any",
  "federation-upstream": "any",
  "federation-upstream-pattern": "any",
  "federation-upstream-set": "any",
  "ha-mode": "any",
  "ha-params": "any",
  "ha-promote-on-failure": "any",
  "ha-promote-on-shutdown": "any",
  "ha-sync-batch-size": "any",
  "ha-sync-mode": "any",
  "initial-cluster-size": "any",
  "max-in-memory-bytes": "any",
  "max-in-memory-length": "any",
  "queue-leader-locator": "any",
  "queue-master-locator": "any",
  "queue-mode": "any",
  "queue-version": "any",
  "stream-filter-size-bytes": "any",
  "stream-max-segment-size-bytes": "any",
  "target-group-size": "any",
  "unclean-leader-election": "any",
};

/** What an operator's policy may set: bounds, nothing that moves messages. */
const operators: ReadonlySet<string> = new Set([
  ...["expires", "message-ttl", "max-length", "max-length-bytes", "overflow", "delivery-limit"],
  ...["max-in-memory-bytes", "max-in-memory-length", "target-group-size", "consumer-timeout"],
  ...["ha-mode", "ha-params", "ha-sync-mode"],
]);

const overflows: readonly Json[] = ["drop-head", "reject-publish", "reject-publish-dlx"];

/** @throws Refusal (precondition-failed) which names the setting that cannot be. */
export function checkSettings(settings: Settings, operator: boolean): void {
  const names = Object.keys(settings);
  if (names.length === 0) throw wrong("it sets nothing");
  for (const name of names) {
    const kind = kinds[name];
    if (kind === undefined) throw wrong(`'${name}' is not a setting of policies`);
    if (operator && !operators.has(name))
      throw wrong(`'${name}' is not a setting of operator policies`);
    const value = settings[name]!;
    if (!fits(kind, value)) throw wrong(`${JSON.stringify(value)} is no value of '${name}'`);
  }
}

function fits(kind: Kind, value: Json): boolean {
  switch (kind) {
    case "count":
      return Number.isSafeInteger(value) && Number(value) >= 0;
    case "positive":
      return Number.isSafeInteger(value) && Number(value) > 0;
    case "limit":
      return Number.isSafeInteger(value) && Number(value) >= -1;
    case "text":
      return typeof value === "string";
    case "overflow":
      return overflows.includes(value);
    case "age":
      return typeof value === "string" && ageMs(value) !== undefined;
    case "any":
      return true;
  }
}

const ageUnits: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  D: 86_400_000,
  M: 30 * 86_400_000,
  Y: 365 * 86_400_000,
};

/** The age `7D` in milliseconds, as `x-max-age` and `max-age` have it: Y, M, D, h, m, s. Undefined: it is none. */
export function ageMs(text: string): number | undefined {
  const parts = /^(\d{1,9})([YMDhms])$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * ageUnits[parts[2]!]!;
}

function wrong(why: string): Refusal {
  return new Refusal("precondition-failed", `the policy cannot be: ${why}`);
}
