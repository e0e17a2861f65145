import { isTrunklineError } from "../../../base/error.ts";
import type { Exchange } from "./exchange.ts";
import { ItemWriter } from "./item-writer.ts";

/** Runs a stream and sends its items as they come. */
export async function serveStream(exchange: Exchange, input: unknown): Promise<void> {
  const { endpoint, incoming, request } = exchange;
  if (request.method === "HEAD") {
    exchange.begin();
    exchange.end();
    return exchange.over();
  }
  const items = new ItemWriter(exchange);
  exchange.running = true;
  try {
    await endpoint!.served.stream(input, incoming!, items);
    exchange.running = false;
    items.end();
  } catch (error) {
    exchange.running = false;
    items.fail(isTrunklineError(error) ? error : endpoint!.served.incident(error));
  }
  exchange.over();
}
