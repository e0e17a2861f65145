import type { Message } from "../message.ts";
import { type Binding, Exchange, type LooksAt } from "./exchange.ts";

/** Routing keys whose ways are remembered, for each exchange; and queue names in them. */
const rememberedKeysMax = 4_096;
const rememberedNamesMax = 65_536;

/** What is remembered for all keys alike where nobody looks at them. */
const anyKey = "";

/** Walks from an exchange to queues, and remembers where keys led as long as nothing changes. */
export class Routes {
  readonly #exchanges: ReadonlyMap<string, Exchange>;
  /** Rises with each change of the topology. */
  #state = 0;
  #walk = 0;
  readonly #found: Binding[] = [];
  readonly #oneKey: string[] = [""];

  constructor(exchanges: ReadonlyMap<string, Exchange>) {
    this.#exchanges = exchanges;
  }

  /** Something has changed. */
  forget(): void {
    this.#state++;
  }

  /** The queues that a message goes to from an exchange. `copies`: further keys. */
  of(exchange: Exchange, message: Message, copies?: readonly string[]): readonly string[] {
    if (exchange.routesOf !== this.#state) this.#begin(exchange);
    const { routingKey } = message;
    if (copies !== undefined) return this.#walked(exchange, [routingKey, ...copies], message);
    this.#oneKey[0] = routingKey;
    if (exchange.looksAt === "message") return this.#walked(exchange, this.#oneKey, message);
    const { routes } = exchange;
    const key = exchange.looksAt === "key" ? routingKey : anyKey;
    const known = routes.get(key);
    if (known !== undefined) return known;
    const names = this.#walked(exchange, this.#oneKey, message);
    if (routes.size >= rememberedKeysMax || exchange.routesHeld > rememberedNamesMax) {
      routes.clear();
      exchange.routesHeld = 0;
    }
    routes.set(key, names);
    exchange.routesHeld += names.length;
    return names;
  }

  #begin(exchange: Exchange): void {
    exchange.routes.clear();
    exchange.routesHeld = 0;
    exchange.routesOf = this.#state;
    exchange.looksAt = this.#together(exchange, new Set());
  }

  #together(exchange: Exchange, seen: Set<Exchange>): LooksAt {
    seen.add(exchange);
    let most = exchange.matcher.looksAt;
    const alternate = this.#alternateOf(exchange);
    const next = [...exchange.outgoing.values()].map(({ to }) => to);
    if (alternate !== undefined) next.push(alternate);
    for (const each of next) {
      if (most === "message") break;
      if (!(each instanceof Exchange) || seen.has(each)) continue;
      const more = this.#together(each, seen);
      if (more !== "nothing") most = more;
    }
    return most;
  }

  #alternateOf({ alternate }: Exchange): Exchange | undefined {
    return alternate === undefined ? undefined : this.#exchanges.get(alternate);
  }

  /** Each exchange and each queue is met once, so cycles end. */
  #walked(first: Exchange, keys: readonly string[], message: Message): readonly string[] {
    const walk = ++this.#walk;
    const names: string[] = [];
    const ahead: Exchange[] = [first];
    first.met = walk;
    const found = this.#found;
    for (let exchange = ahead.pop(); exchange !== undefined; exchange = ahead.pop()) {
      found.length = 0;
      exchange.matcher.match(keys, message, found);
      for (const { to } of found) {
        if (to.met === walk) continue;
        to.met = walk;
        if (to instanceof Exchange) ahead.push(to);
        else names.push(to.name);
      }
      if (found.length > 0) continue;
      const alternate = this.#alternateOf(exchange);
      if (alternate === undefined || alternate.met === walk) continue;
      alternate.met = walk;
      ahead.push(alternate);
    }
    found.length = 0;
    return names;
  }
}
