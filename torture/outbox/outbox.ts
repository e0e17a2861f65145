import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { begun, Hand } from "../hand.ts";
import { linesOf } from "../log.ts";
import { noReport, sumOf, talliesOf, type TortureReport } from "../report.ts";
import { databaseAt } from "./database.ts";
import { judge, type Judgement } from "./judgement.ts";
import { isDone, leftOf } from "./ledger.ts";
import type { Place } from "./place.ts";
import { strikeAll } from "./strikes.ts";
import { worldless, worldOf, type BrokerName, type StoreName } from "./worlds.ts";

const writers = 2;
const relays = 2;
const consumers = 2;
/** Transactions that all writers together begin in a second. */
const rate = 200;
const leaseMs = 1_000;
/** What is there is published and handled within this after the last writer has stopped, in milliseconds. */
const drainMs = 90_000;
const stopMs = 60_000;

export interface OutboxTerms {
  readonly stores: readonly StoreName[];
  readonly broker: BrokerName;
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Processes that publish in transactions, relay and consume, killed while they do so, and their database with them; one database after the other. */
export async function tortureOutbox(terms: OutboxTerms): Promise<TortureReport> {
  const reports: Record<string, TortureReport> = {};
  for (const name of terms.stores) {
    const missing = worldless(name);
    if (missing !== undefined) {
      reports[name] = { ...noReport, ok: false, told: [missing] };
      continue;
    }
    const progress = (text: string): void => terms.progress(`${name} ${text}`);
    reports[name] = await tortureOne(name, { ...terms, progress });
  }
  return sumOf(reports);
}

async function tortureOne(name: StoreName, terms: OutboxTerms): Promise<TortureReport> {
  await using world = await worldOf(name, terms.broker);
  const place: Place = {
    ...{ store: world.store, broker: world.broker },
    ...{ rate: rate / writers, leaseMs },
  };
  const crew = crewOf(place, world.folder);
  const hands = Object.values(crew).flat();
  try {
    for (const hand of hands) hand.start();
    await begun(hands);
    const began = performance.now();
    await strikeAll(crew.writers, [...crew.relays, ...crew.consumers], world, terms);
    const seconds = (performance.now() - began) / 1_000;
    terms.progress("the last strike is over; what is there is published and handled");
    const stopped = await stopAll(crew.writers);
    await drained(world.store);
    stopped.push(...(await stopAll([...crew.relays, ...crew.consumers])));
    const report = reportOf(
      await judge(
        world.store,
        hands.flatMap(({ log }) => linesOf(log)),
      ),
      { stopped, hands, seconds, terms },
    );
    if (report.ok) return report;
    world.keep();
    return { ...report, told: [...report.told, `all of it is kept in ${world.folder}`] };
  } finally {
    for (const hand of hands) hand.end();
  }
}

interface Crew {
  readonly writers: readonly Hand[];
  readonly relays: readonly Hand[];
  readonly consumers: readonly Hand[];
}

function crewOf(place: Place, logs: string): Crew {
  const some = (role: "writer" | "relay" | "consumer", count: number): Hand[] =>
    Array.from({ length: count }, (_, index) => {
      const program = join("outbox", `${role}.ts`);
      return new Hand({ program, name: `${role}-${index}`, args: [JSON.stringify(place)], logs });
    });
  return {
    writers: some("writer", writers),
    relays: some("relay", relays),
    consumers: some("consumer", consumers),
  };
}

/** Resolves with true for each that has ended in order. */
function stopAll(hands: readonly Hand[]): Promise<boolean[]> {
  return Promise.all(hands.map((hand) => hand.stop(stopMs)));
}

/** Resolves when nothing is left to do, or there was time enough for all of it. */
async function drained(address: string): Promise<void> {
  await using database = await databaseAt(address);
  const until = performance.now() + drainMs;
  while (!isDone(await leftOf(database.store)) && performance.now() < until) await pause(200);
}

interface Seen {
  readonly stopped: readonly boolean[];
  readonly hands: readonly Hand[];
  readonly seconds: number;
  readonly terms: OutboxTerms;
}

function reportOf({ figures, committed, ...judged }: Judgement, seen: Seen): TortureReport {
  const { kills, seed } = seen.terms;
  const hung = judged.hung + seen.stopped.filter((orderlyEnd) => !orderlyEnd).length;
  const deaths = seen.hands.reduce((sum, each) => sum + each.deaths, 0);
  const report = { ...judged, hung, kills, ok: judged.ok && hung + deaths === 0 };
  const told = [
    `${kills} strikes (seed ${seed}) in ${seen.seconds.toFixed(0)} s: ${figures}, ${(committed / seen.seconds).toFixed(0)} transactions/s; ${talliesOf(report)}`,
    ...judged.told,
  ];
  if (deaths > 0) {
    const complaints = seen.hands.map(({ name, complaint }) => `${name}: ${complaint}`);
    told.push(`${deaths} processes ended by themselves`, ...complaints);
  }
  return { ...report, told };
}
