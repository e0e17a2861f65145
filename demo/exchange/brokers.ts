import { join } from "node:path";
import { chassis } from "trunkline";
import { broker } from "trunkline/broker";
import type { Flight } from "../contracts/flight.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import { ownBroker } from "./own-broker.ts";

/** An exchange over each broker; without any, over one in memory that the processes reach by a Unix socket. */
export async function exchanges(
  folder: string,
  brokers: readonly string[],
  flights: readonly Flight[],
  tell: (news: string) => void,
): Promise<Exchanged[]> {
  const given = { flights, tell };
  if (brokers.length === 0) return [await inMemory(folder, given)];
  const all: Exchanged[] = [];
  for (const [index, named] of brokers.entries()) {
    const place = join(folder, `exchange-${index}`);
    const { address, over, restart } = await ownBroker(named);
    all.push(await exchange({ ...given, messages: address, over, folder: place, restart }));
  }
  return all;
}

async function inMemory(
  folder: string,
  given: { readonly flights: readonly Flight[]; readonly tell: (news: string) => void },
): Promise<Exchanged> {
  await using running = broker();
  const listen = `unix:${join(folder, "broker.sock")}`;
  await using app = await chassis({
    name: "broker",
    listen,
    serve: running.services,
    signals: false,
    stop: { drain: 0 }, // consumers are under way for ever
  });
  const messages = `broker+${app.addresses[0]!}`;
  const place = join(folder, "exchange-memory");
  return await exchange({ ...given, messages, over: "memory", folder: place });
}
