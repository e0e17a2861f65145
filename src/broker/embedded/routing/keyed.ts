import type { Message } from "../message.ts";
import type { Binding, Matcher } from "./exchange.ts";

/** Of a fanout exchange: all of them. */
export class EveryBinding implements Matcher {
  readonly looksAt = "nothing";
  readonly #bindings = new Set<Binding>();

  add(binding: Binding): void {
    this.#bindings.add(binding);
  }

  remove(binding: Binding): void {
    this.#bindings.delete(binding);
  }

  match(_keys: readonly string[], _message: Message, found: Binding[]): void {
    for (const binding of this.#bindings) found.push(binding);
  }
}

/** Of a direct exchange: those with the same key. */
export class EqualKeys implements Matcher {
  readonly looksAt = "key";
  readonly #byKey = new Map<string, Set<Binding>>();

  add(binding: Binding): void {
    const { routingKey } = binding.terms;
    const same = this.#byKey.get(routingKey);
    if (same === undefined) this.#byKey.set(routingKey, new Set([binding]));
    else same.add(binding);
  }

  remove(binding: Binding): void {
    const { routingKey } = binding.terms;
    const same = this.#byKey.get(routingKey);
    same?.delete(binding);
    if (same?.size === 0) this.#byKey.delete(routingKey);
  }

  match(keys: readonly string[], _message: Message, found: Binding[]): void {
    for (const key of keys) for (const binding of this.#byKey.get(key) ?? []) found.push(binding);
  }
}
