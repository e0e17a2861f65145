import type { TrunklineError } from "../../../base/error.ts";
import type { Exchange } from "./exchange.ts";

/** Runs a call and sends what comes of it. */
export async function serveCall(exchange: Exchange, input: unknown): Promise<void> {
  const { endpoint, incoming } = exchange;
  exchange.running = true;
  try {
    const output = await endpoint!.served.handle(input, incoming!);
    exchange.running = false;
    const sending = exchange.answer(output);
    if (sending !== undefined) await sending;
  } catch (error) {
    exchange.running = false;
    exchange.fail(error);
  }
  exchange.over();
}

/** Starts a notification. What comes of it is told to nobody, unless it is refused at once. */
export function serveNotification(exchange: Exchange, input: unknown): void {
  exchange.running = true;
  void notified(exchange, input);
  exchange.home.env.yield(() => exchange.sendAccepted());
}

async function notified(exchange: Exchange, input: unknown): Promise<void> {
  const { endpoint, incoming } = exchange;
  try {
    await endpoint!.served.handle(input, incoming!);
  } catch (error) {
    if ((error as TrunklineError).executed === "no") exchange.fail(error);
  }
  exchange.sendAccepted();
  exchange.over();
}
