import { join } from "node:path";
import type { Flight } from "../contracts/flight.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import { ownBroker } from "./own-broker.ts";

/** An exchange over each broker; without any, over the embedded one: a folder that the processes share, and one of them owns. */
export async function exchanges(
  folder: string,
  brokers: readonly string[],
  flights: readonly Flight[],
  tell: (news: string) => void,
): Promise<Exchanged[]> {
  const given = { flights, tell };
  if (brokers.length === 0) {
    const data = join(folder, "broker");
    const place = join(folder, "exchange-embedded");
    const embedded = { messages: `file:${data}`, over: "embedded", data };
    return [await exchange({ ...given, ...embedded, folder: place })];
  }
  const all: Exchanged[] = [];
  for (const [index, named] of brokers.entries()) {
    const place = join(folder, `exchange-${index}`);
    const { address, over, restart } = await ownBroker(named);
    all.push(await exchange({ ...given, messages: address, over, folder: place, restart }));
  }
  return all;
}
