import type { Operation } from "../../operation.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Lets the requests of an operation whose order counts go one after the other, each when the one before it is over: HTTP has
 * several connections, and none of them knows what went before on another.
 */
export class Turns {
  /** The first of each is under way. */
  readonly #queues = new Map<Operation, Exchange[]>();

  /** True when it is its turn; otherwise it is kept until it is. */
  mayGo(exchange: Exchange): boolean {
    const queue = this.#queues.get(exchange.operation);
    if (queue === undefined) this.#queues.set(exchange.operation, [exchange]);
    else if (!queue.includes(exchange)) queue.push(exchange);
    return queue === undefined || queue[0] === exchange;
  }

  /** It is over. Returns whose turn it is now, if that was not so before. */
  next(exchange: Exchange): Exchange | undefined {
    const queue = this.#queues.get(exchange.operation);
    const place = queue?.indexOf(exchange) ?? -1;
    if (queue === undefined || place < 0) return undefined;
    queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(exchange.operation);
    return place === 0 ? queue[0] : undefined;
  }
}
