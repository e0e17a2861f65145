// A process that publishes in transactions: `writer.ts PLACE NAME LOG`, until SIGTERM.
import { setTimeout as pause } from "node:timers/promises";
import { Log } from "../log.ts";
import { databaseAt } from "./database.ts";
import { Deeds } from "./deeds.ts";
import { placeOf } from "./place.ts";

/** Transactions under way at a time. */
const underWayMax = 24;

const { place, name, log: path } = placeOf(process.argv.slice(2));
const log = new Log(path);
await using database = await databaseAt(place.store);
const deeds = new Deeds(database, log, name);
let stopping = false;
process.once("SIGTERM", () => (stopping = true));
log.write("up", process.pid);
const underWay = new Set<Promise<void>>();
let due = performance.now();
while (!stopping) {
  while (underWay.size >= underWayMax) await Promise.race(underWay);
  const deed: Promise<void> = deeds.next().finally(() => underWay.delete(deed));
  underWay.add(deed);
  // What was missed while it stood still is not made up for.
  due = Math.max(due + 1_000 / place.rate, performance.now() - 100);
  await pause(Math.max(0, due - performance.now()));
}
await Promise.all(underWay);
log.write("down");
log.close();
