import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Flight } from "../contracts/flight.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import type { Settings } from "../room/settings.ts";
import { ownBroker } from "./own-broker.ts";
import { ownStore, type OwnStore } from "./own-store.ts";

/** Flights that the exchange carries for each second of the demo. */
const flightsEach = 250;

/** An exchange over each broker; without any, over the embedded one: a folder that the processes share, and one of them owns. */
export async function exchanges(
  folder: string,
  { brokers, store, seconds }: Pick<Settings, "brokers" | "store" | "seconds">,
  flights: readonly Flight[],
  tell: (news: string) => void,
): Promise<Exchanged[]> {
  // A transaction for each movement takes its time: as many of the flights as are through in about as long as the rest took.
  const some = store === "none" ? flights : flights.slice(0, seconds * flightsEach);
  const books = async (place: string): Promise<OwnStore | undefined> => {
    mkdirSync(place, { recursive: true });
    return store === "none" ? undefined : ownStore(store, place);
  };
  const given = { flights: some, tell };
  if (brokers.length === 0) {
    const data = join(folder, "broker");
    const place = join(folder, "exchange-embedded");
    const embedded = { messages: `file:${data}`, over: "embedded", data };
    await using own = await books(place);
    return [await exchange({ ...given, ...embedded, folder: place, store: own })];
  }
  const all: Exchanged[] = [];
  for (const [index, named] of brokers.entries()) {
    const place = join(folder, `exchange-${index}`);
    const { address, over, restart } = await ownBroker(named);
    await using own = await books(place);
    const by = { messages: address, over, folder: place, restart };
    all.push(await exchange({ ...given, ...by, store: own }));
  }
  return all;
}
