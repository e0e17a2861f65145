import { hash32, mix32 } from "../../../base/hash32.ts";
import { readProperties } from "../../../wire/amqp091/properties.ts";
import type { Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import type { ExchangeTerms, FieldValue } from "../terms.ts";
import { jsonOf } from "./table-json.ts";
import type { Binding, Matcher } from "./exchange.ts";

interface Candidate {
  readonly binding: Binding;
  readonly hash: number;
  readonly weight: number;
}

/**
 * Of an `x-consistent-hash` exchange: one binding for each value that it hashes on, in proportion to the weights that their keys
 * are. Weighted rendezvous (Schindelhauer and Schomaker, SPAA 2005): each binding draws a number for the value, the greatest wins;
 * so a queue that comes takes its share from all others, one that goes leaves its own to all others, and nothing else moves.
 */
export class ConsistentHash implements Matcher {
  readonly looksAt: "key" | "message";
  readonly #value: (keys: readonly string[], message: Message) => string;
  readonly #candidates = new Map<string, Candidate>();

  /** @throws Refusal precondition-failed when what to hash on is said twice, or is no property. */
  constructor(terms: ExchangeTerms) {
    const header = terms.arguments["hash-header"];
    const property = terms.arguments["hash-property"];
    if (header !== undefined && property !== undefined)
      throw refuse("hash-header and hash-property are mutually exclusive");
    this.looksAt = header === undefined && property === undefined ? "key" : "message";
    if (header !== undefined) {
      const name = textOf(header);
      this.#value = (_keys, { properties }) => textOf(readProperties(properties).headers?.[name]);
    } else if (property !== undefined) {
      const name = propertyNames.get(textOf(property));
      if (name === undefined) throw refuse(`Unsupported property: ${textOf(property)}`);
      this.#value = (_keys, { properties }) => textOf(readProperties(properties)[name]);
    } else this.#value = ([key]) => key!;
  }

  add(binding: Binding): void {
    const hash = hash32(binding.id);
    this.#candidates.set(binding.id, { binding, hash, weight: weightOf(binding.terms.routingKey) });
  }

  remove(binding: Binding): void {
    this.#candidates.delete(binding.id);
  }

  match(keys: readonly string[], message: Message, found: Binding[]): void {
    if (this.#candidates.size === 0) return;
    const value = hash32(this.#value(keys, message));
    let chosen: Binding | undefined;
    let greatest = Number.NEGATIVE_INFINITY;
    for (const { binding, hash, weight } of this.#candidates.values()) {
      const drawn = (mix32(hash ^ value) + 0.5) / 0x1_0000_0000;
      const score = weight / -Math.log(drawn);
      if (score <= greatest) continue;
      greatest = score;
      chosen = binding;
    }
    if (chosen !== undefined) found.push(chosen);
  }
}

/** Of an `x-modulus-hash` exchange: the one whose place, among all in the order of their names, is the key's hash modulo their number. */
export class ModulusHash implements Matcher {
  readonly looksAt = "key";
  #bindings: Binding[] = [];

  add(binding: Binding): void {
    this.#bindings.push(binding);
    this.#bindings.sort(({ id: left }, { id: right }) => (left < right ? -1 : 1));
  }

  remove(binding: Binding): void {
    this.#bindings = this.#bindings.filter((each) => each !== binding);
  }

  match([key]: readonly string[], _message: Message, found: Binding[]): void {
    const count = this.#bindings.length;
    if (count > 0) found.push(this.#bindings[hash32(key!) % count]!);
  }
}

/** Of an `x-random` exchange: any one. */
export class AnyBinding implements Matcher {
  readonly looksAt = "message";
  readonly #random: () => number;
  #bindings: Binding[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  add(binding: Binding): void {
    this.#bindings.push(binding);
  }

  remove(binding: Binding): void {
    this.#bindings = this.#bindings.filter((each) => each !== binding);
  }

  match(_keys: readonly string[], _message: Message, found: Binding[]): void {
    const count = this.#bindings.length;
    if (count > 0) found.push(this.#bindings[Math.floor(this.#random() * count)]!);
  }
}

/** @throws Refusal precondition-failed for a key of a binding that is no weight. */
export function weightOf(key: string): number {
  if (!/^[+-]?\d+$/.test(key)) throw refuse(`The binding key must be an integer: <<"${key}">>`);
  const weight = Number(key);
  if (weight < 1) throw refuse("The binding key must be greater than 0");
  return weight;
}

const propertyNames: ReadonlyMap<string, "correlationId" | "messageId" | "timestamp"> = new Map([
  ["correlation_id", "correlationId"],
  ["message_id", "messageId"],
  ["timestamp", "timestamp"],
]);

function textOf(value: FieldValue): string {
  return typeof value === "string" ? value : JSON.stringify(jsonOf(value));
}

function refuse(message: string): Refusal {
  return new Refusal("precondition-failed", message);
}
