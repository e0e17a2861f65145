import { join } from "node:path";
import { chassis, realEnv } from "trunkline";
import { serveBroker } from "trunkline/broker/memory";
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
  if (brokers.length === 0) {
    const listen = `unix:${join(folder, "broker.sock")}`;
    await using _broker = await chassis({
      name: "broker",
      listen,
      serve: [serveBroker({}, realEnv())],
      signals: false,
    });
    const place = join(folder, "exchange-memory");
    return [await exchange({ ...given, messages: `broker+${listen}`, over: "memory", folder: place })];
  }
  const all: Exchanged[] = [];
  for (const [index, named] of brokers.entries()) {
    const place = join(folder, `exchange-${index}`);
    const { address, over, restart } = ownBroker(named);
    all.push(await exchange({ ...given, messages: address, over, folder: place, restart }));
  }
  return all;
}
