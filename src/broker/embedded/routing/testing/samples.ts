import assert from "node:assert/strict";

import { type Random, seededRandom } from "../../../../base/random.ts";
import type { Message } from "../../message.ts";
import { Refusal } from "../../refusal.ts";
import type { BindingTerms, ExchangeTerms } from "../../terms.ts";
import { Topology } from "../topology.ts";

const noHeaders = Uint8Array.of(0, 0);

export function topology(random: Random = seededRandom(1)): Topology {
  return new Topology({ host: "/", random });
}

export function message(routingKey: string, properties: Uint8Array = noHeaders): Message {
  return {
    exchange: "",
    routingKey,
    properties,
    body: new Uint8Array(),
    persistent: true,
    priority: 0,
    expirationMs: undefined,
    key: undefined,
  };
}

export function exchange(
  name: string,
  type: string,
  more: Partial<ExchangeTerms> = {},
): ExchangeTerms {
  return {
    ...{ name, type, durable: true, autoDelete: false, internal: false, arguments: {} },
    ...more,
  };
}

export function binding(
  source: string,
  destination: string,
  routingKey: string = "",
  more: Partial<BindingTerms> = {},
): BindingTerms {
  return { source, to: "queue", destination, routingKey, arguments: {}, ...more };
}

export function sorted(names: readonly string[]): string[] {
  return names.toSorted();
}

export function refused(reason: Refusal["reason"], text: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.message, text);
    assert.equal(error.reason, reason);
    return true;
  };
}
